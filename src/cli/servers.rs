//! The MCP servers of the user that a run's agents get, from the commit that it starts on.

use super::{Stop, exit::Exit, scene::Scene};
use crate::{
    agent::Server,
    config::{Config, SERVERS, ServersFault, servers},
    plan::{Draft, Source},
    run::Oid,
};
use std::collections::BTreeMap;

impl Scene {
    /// The servers that the configuration allows by name.
    pub(super) async fn servers(&self, base: Oid, config: &Config) -> Result<Vec<Server>, Stop> {
        if config.agents.mcp.is_empty() {
            return Ok(Vec::new());
        }
        let text = self.repo.read(base, SERVERS).await;
        let text = text.map_err(|error| Stop::because("the repository cannot be read", &error))?;
        let text = text.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        let allowed = self.environment.named(&config.agents.env).into_iter();
        let variables: BTreeMap<String, String> =
            allowed.filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?))).collect();
        servers(text.as_deref(), &config.agents.mcp, &variables).map_err(|fault| match fault {
            ServersFault::Missing { what, fix } => Stop::missing(what, &fix),
            ServersFault::Faulty(fault) => {
                let source = Source::new(SERVERS.to_owned(), text.unwrap_or_default());
                let draft = Draft { sources: vec![source], ..Draft::default() };
                Stop::faulty(Exit::Faulty, &draft, &[fault], self.is_coloured)
            }
        })
    }
}
