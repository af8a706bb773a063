//! Connecting to the server in the same process, over a pipe in memory.

use crate::in_memory;
use mcp_transport::{Connector, Error, Link, duplex};

pub(super) struct Pipe {
    pub(super) is_modern: bool,
}

impl Connector for Pipe {
    type Transport = duplex::Multiplex;

    async fn connect(&self) -> Result<Link<duplex::Multiplex>, Error> {
        Ok(duplex::connect(in_memory::start(self.is_modern)))
    }
}
