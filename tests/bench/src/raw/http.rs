//! Over HTTP, with hyper and without a library.

use super::read;
use crate::{
    drive::Driver,
    plan::{Over, Plan, Work},
    pool::Pool,
    request::{Template, tool},
};
use anyhow::{Context, Result};
use serde_json::json;
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

/// A server, and the requests to it.
#[derive(Clone)]
pub struct Http(Arc<Inner>);

struct Inner {
    pool: Pool,
    next_id: AtomicU64,
    plan: Plan,
    template: Template,
}

impl Driver for Http {
    async fn connect(plan: Plan) -> Result<Self> {
        let (pool, template) = (Pool::start(&plan)?, Template::of(&plan)?);
        let this = Self(Arc::new(Inner { pool, next_id: AtomicU64::new(1), plan, template }));
        this.introduce().await?;
        Ok(this)
    }

    async fn call(&self, work: Work) -> Result<()> {
        let method = match work {
            Work::List => "tools/list",
            Work::Blob16 => "resources/read",
            _ => "tools/call",
        };
        let mut cursor = self.send(method, &self.0.template, work).await?;
        while let Some(next) = cursor {
            let page = Template::new("tools/list", json!({"cursor": next}), &self.0.plan)?;
            cursor = self.send(method, &page, work).await?;
        }
        Ok(())
    }
}

impl Http {
    async fn introduce(&self) -> Result<()> {
        let plan = &self.0.plan;
        let (method, params) = if plan.modern {
            ("server/discover", json!({}))
        } else {
            let info = json!({"name": "bench", "version": "1"});
            let version = "2025-11-25";
            (
                "initialize",
                json!({"protocolVersion": version, "capabilities": {}, "clientInfo": info}),
            )
        };
        let template = Template::new(method, params, plan)?;
        self.send(method, &template, Work::Echo).await.map(drop)
    }

    async fn send(&self, method: &str, template: &Template, work: Work) -> Result<Option<String>> {
        let mut body = Vec::with_capacity(512);
        template.write(self.0.next_id.fetch_add(1, Ordering::Relaxed), &mut body)?;
        let body = self.0.pool.post(method, tool(work), body).await?;
        let is_stream = self.0.plan.over == Over::Sse || work == Work::Progress;
        if is_stream { self.events(&body, work) } else { read(work, &body) }
    }

    /// The last event is the response.
    fn events(&self, body: &[u8], work: Work) -> Result<Option<String>> {
        let at = memchr::memmem::rfind(body, b"data: ").context("no event")?;
        read(work, &body[at + 6..])
    }
}
