//! The `initialize` handshake of legacy servers.

use super::Opening;
use crate::{Call, Era, Error, HostTasks, Misbehavior, Options, Phase, Reply, Server};
use futures_util::future::BoxFuture;
use mcp_transport::{ClientMessage, Transport};
use mcp_types::{
    ProtocolVersion, Request,
    initialize::{InitializeRequest, InitializeResult},
    rpc::Notification,
};
use std::time::Duration;
use tower::ServiceExt;

impl<T: Transport> Opening<T> {
    /// Performs the handshake, offering `version`; if it is pinned, no other is accepted.
    // spec: LIFE-01 LIFE-02 LIFE-03 LIFE-04 LIFE-06 LIFE-07
    pub(crate) fn initialize<'a>(
        &'a mut self,
        version: &'a ProtocolVersion,
        pinned: bool,
        options: &'a Options,
    ) -> BoxFuture<'a, Result<Server, Error>> {
        Box::pin(async move {
            let mut capabilities = options.input.capabilities();
            if options.host_tasks.is_some() && *version == ProtocolVersion::V2025_11_25 {
                HostTasks::declare(&mut capabilities);
            }
            let request =
                InitializeRequest::new(version.clone(), capabilities, options.client_info.clone());
            let reply = self.shake(Call::of(request)?, options.init_timeout).await?;
            let result: InitializeResult = reply.decode_lossy().map_err(|source| {
                let method = InitializeRequest::METHOD.into();
                Error::Decode { method, source }
            })?;
            let agreed = result.protocol_version;
            if !agreed.is_known() || agreed.is_modern() {
                let misbehavior = Misbehavior::UnsupportedInitializeVersion;
                let method = Some(InitializeRequest::METHOD);
                self.dispatch.peer().incident(
                    misbehavior,
                    method,
                    Some(format!("version {:?}", agreed.as_str())),
                );
            }
            if !agreed.is_known() || agreed.is_modern() || (pinned && agreed != *version) {
                return Err(Error::NoCommonVersion {
                    ours: vec![version.clone()],
                    theirs: vec![agreed],
                });
            }
            self.dispatch.peer().negotiated(agreed.clone());
            self.tell_initialized(&agreed).await?;
            self.late = None;
            Ok(Server {
                era: Era::Legacy,
                version: agreed,
                capabilities: result.capabilities,
                info: Some(result.server_info),
                instructions: result.instructions,
                result: reply.result,
                is_recalled: false,
            })
        })
    }

    /// Sends the call, within the server's time for the handshake.
    async fn shake(&mut self, call: Call, limit: Option<Duration>) -> Result<Reply, Error> {
        let peer = self.dispatch.peer().clone();
        let calling = self.call(call);
        let Some(after) = limit else { return calling.await.map_err(Error::from_layers) };
        match peer.within(after, calling).await {
            Some(reply) => reply.map_err(Error::from_layers),
            None => {
                let method = InitializeRequest::METHOD.into();
                Err(Error::Timeout { method, phase: Phase::Connect, after })
            }
        }
    }

    async fn tell_initialized(&mut self, version: &ProtocolVersion) -> Result<(), Error> {
        let message = ClientMessage::new(Notification::new("notifications/initialized"))
            .with_extension(version.clone());
        let transport = self.dispatch.transport().clone();
        drop(self.run(transport.oneshot(message)).await?);
        Ok(())
    }
}
