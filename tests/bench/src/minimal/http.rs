//! Over HTTP: hyper, and the same connections as without a library.

use super::{Bare, CallToolResult, Request, echo, ensure_small, initialize, meta, read};
use crate::{
    drive::Driver,
    plan::{Plan, Work},
    pool::Pool,
};
use anyhow::{Context, Result};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::value::RawValue;
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

/// A server, and what is the same in all requests to it.
#[derive(Clone)]
pub struct Http(Arc<Inner>);

struct Inner {
    pool: Pool,
    next_id: AtomicU64,
    meta: Option<Box<RawValue>>,
}

impl Driver for Http {
    async fn connect(plan: Plan) -> Result<Self> {
        let (pool, meta) = (Pool::start(&plan)?, meta(plan.modern)?);
        let this = Self(Arc::new(Inner { pool, next_id: AtomicU64::new(1), meta }));
        match this.meta() {
            None => this.call::<_, Box<RawValue>>("initialize", "", initialize()).await?,
            meta => this.call("server/discover", "", Bare { meta }).await?,
        };
        Ok(this)
    }

    async fn call(&self, work: Work) -> Result<()> {
        ensure_small(work)?;
        let result: CallToolResult = self.call("tools/call", "echo", echo(self.meta())).await?;
        result.check()
    }
}

impl Http {
    fn meta(&self) -> Option<&RawValue> {
        self.0.meta.as_deref()
    }

    async fn call<P: Serialize, R: DeserializeOwned>(
        &self,
        method: &str,
        name: &str,
        params: P,
    ) -> Result<R> {
        let id = self.0.next_id.fetch_add(1, Ordering::Relaxed);
        let mut body = Vec::with_capacity(512);
        serde_json::to_writer(&mut body, &Request { jsonrpc: "2.0", id, method, params })?;
        let body = self.0.pool.post(method, name, body).await?;
        read(message(&body)?, id)
    }
}

/// The response in a body: all of it, or the last event.
fn message(body: &[u8]) -> Result<&[u8]> {
    if body.starts_with(b"{") {
        return Ok(body);
    }
    let at = memchr::memmem::rfind(body, b"data: ").context("no event")?;
    Ok(&body[at + 6..])
}
