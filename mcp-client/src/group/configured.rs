//! Groups from configs.

use super::{Group, GroupBuilder, Naming};
use crate::{Client, ClientBuilder, Config, Error, Options, Target};
use mcp_session::KnownEra;

impl Group {
    /// Starts configuring a group of the servers of a config that are not disabled, each with its own time limits.
    ///
    /// A single server gets no prefix.
    pub fn from_config(config: &Config) -> GroupBuilder {
        Self::from_config_with(config, |_, client| client)
    }

    /// Like [`from_config`](Self::from_config), and configures each client further, for example with handlers.
    ///
    /// ```
    /// use mcp_client::{Config, Group, Handlers};
    ///
    /// # fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// let config = Config::from_file(".mcp.json")?;
    /// let handlers = Handlers::new();
    /// let group = Group::from_config_with(&config, |_, client| client.input(handlers.clone()));
    /// let group = group.build()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn from_config_with(
        config: &Config,
        mut configure: impl FnMut(&str, ClientBuilder) -> ClientBuilder,
    ) -> GroupBuilder {
        let servers = config.servers().filter(|(_, server)| !server.disabled);
        let members: Vec<(&str, Client)> = servers
            .map(|(name, server)| (name, configure(name, server.client()).build()))
            .collect();
        let naming = if members.len() == 1 { Naming::Bare } else { Naming::default() };
        let group = Self::builder().naming(naming);
        members.into_iter().fold(group, |group, (name, client)| group.member(name, client))
    }

    /// Combines the enabled servers of a config into one target.
    pub(crate) fn target_of(config: &Config, count: usize) -> Target {
        let config = config.clone();
        Target::dialing(format!("a group of {count}"), move |options| {
            let group = Self::from_config_with(&config, |name, client| {
                client.configure(|its| *its = of_member(options, name))
            });
            let invalid = |error: super::InvalidGroup| Error::InvalidTarget {
                reason: error.to_string().into(),
            };
            group.build().map_err(invalid)
        })
    }
}

/// Returns the options for the client of one member: what is known of one server is not known of another.
fn of_member(options: &Options, name: &str) -> Options {
    let mut options = options.clone();
    options.server_name = Some(name.into());
    (options.prior, options.known_era) = (None, KnownEra::new());
    options
}
