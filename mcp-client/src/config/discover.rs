//! Discovering the servers that editors and agents on this machine already know.

use super::{Config, ConfigError, ServerConfig, file};
use std::{
    fmt,
    path::{Path, PathBuf},
};

/// A file of an editor or agent: the name of its source, and its path.
type Known = (&'static str, &'static str);

/// The files looked for in the working folder and each of its parents.
const IN_PROJECTS: [Known; 5] = [
    ("claude-code", ".mcp.json"),
    ("cursor", ".cursor/mcp.json"),
    ("vscode", ".vscode/mcp.json"),
    ("gemini", ".gemini/settings.json"),
    ("project", "mcp.json"),
];

/// The files looked for in the home folder.
const AT_HOME: [Known; 13] = [
    ("claude-code", ".claude.json"),
    ("cursor", ".cursor/mcp.json"),
    ("gemini", ".gemini/settings.json"),
    ("windsurf", ".codeium/windsurf/mcp_config.json"),
    ("claude-desktop", ".config/Claude/claude_desktop_config.json"),
    ("claude-desktop", "Library/Application Support/Claude/claude_desktop_config.json"),
    ("claude-desktop", "AppData/Roaming/Claude/claude_desktop_config.json"),
    ("vscode", ".config/Code/User/mcp.json"),
    ("vscode", "Library/Application Support/Code/User/mcp.json"),
    ("vscode", "AppData/Roaming/Code/User/mcp.json"),
    ("vscode", ".vscode-server/data/User/mcp.json"),
    ("goose", ".config/goose/config.yaml"),
    ("goose", "AppData/Roaming/Block/goose/config/config.yaml"),
];

/// The file in which Claude Code keeps the servers of each project.
const CLAUDE_CODE: &str = ".claude.json";

/// Looks for the config files of editors and agents: in `folder` and its parents, and in the home folder.
///
/// It only reads files, none of which has to exist. A server is addressed as `source:name`, like `cursor:weather`.
///
/// ```no_run
/// use mcp_client::{Client, config::discover};
///
/// # fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let found = discover(std::env::home_dir().as_deref(), &std::env::current_dir()?);
/// let client = Client::new(found.server("cursor:weather")?);
/// # Ok(())
/// # }
/// ```
///
/// | source | files |
/// |---|---|
/// | `claude-code` | `.mcp.json`, and `~/.claude.json`: servers of the project, then those of all |
/// | `claude-desktop` | `claude_desktop_config.json` |
/// | `cursor` | `.cursor/mcp.json` |
/// | `gemini` | `.gemini/settings.json` |
/// | `goose` | `.config/goose/config.yaml` |
/// | `vscode` | `.vscode/mcp.json`, and `mcp.json` of the user |
/// | `windsurf` | `.codeium/windsurf/mcp_config.json` |
/// | `project` | `mcp.json` |
pub fn discover(home: Option<&Path>, folder: &Path) -> Discovery {
    let mut discovery = Discovery::default();
    for folder in folder.ancestors() {
        // Files in the home folder do not belong to a project.
        if Some(folder) == home {
            break;
        }
        for (source, file) in IN_PROJECTS {
            discovery.look(source, folder.join(file));
        }
    }
    if let Some(home) = home {
        discovery.look_for_project(&home.join(CLAUDE_CODE), folder);
        for (source, file) in AT_HOME {
            discovery.look(source, home.join(file));
        }
    }
    discovery
}

/// The result of [`discover`].
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Discovery {
    /// The files with servers: those of the project first, nearest first.
    pub found: Vec<Discovered>,
    /// The files that exist but cannot be read.
    pub failed: Vec<ConfigError>,
}

/// A file with servers.
#[derive(Debug)]
#[non_exhaustive]
pub struct Discovered {
    /// Whose file it is, like `cursor`.
    pub source: &'static str,
    /// The file.
    pub path: PathBuf,
    /// Its content. Invalid servers are left out, and listed in its problems.
    pub config: Config,
}

impl Discovery {
    /// All servers with their addresses, `source:name`. If a source has two servers of one name, the first one found
    /// counts.
    pub fn servers(&self) -> impl Iterator<Item = (Address<'_>, &ServerConfig)> {
        let all = self.found.iter().enumerate().flat_map(|(index, file)| {
            file.config.servers().map(move |(name, server)| (index, file.source, name, server))
        });
        all.filter_map(|(index, source, name, server)| {
            let is_hidden = self.found[..index]
                .iter()
                .any(|earlier| earlier.source == source && earlier.config.server(name).is_ok());
            (!is_hidden).then_some((Address { source, name }, server))
        })
    }

    /// The server at an address, `source:name`, or with a name that is unique among the sources.
    ///
    /// # Errors
    ///
    /// There is no such server, or several sources have the name.
    pub fn server(&self, address: &str) -> Result<&ServerConfig, ConfigError> {
        let matching: Vec<_> = self.servers().filter(|(known, _)| known.matches(address)).collect();
        match &matching[..] {
            [] => {
                let known: Vec<_> = self.servers().map(|(known, _)| known.to_string()).collect();
                Err(ConfigError::no_such_server(address, known.iter().map(String::as_str)))
            }
            [(_, server)] => Ok(server),
            several => Err(ConfigError::Ambiguous {
                name: address.to_owned(),
                of: several.iter().map(|(address, _)| address.to_string()).collect(),
            }),
        }
    }

    fn look(&mut self, source: &'static str, path: PathBuf) {
        let is_yaml = file::is_yaml(&path);
        self.add(source, path, |text| Config::read_as(text, is_yaml));
    }

    /// Looks up the servers of the project that contains a folder, in a file that covers all projects.
    fn look_for_project(&mut self, path: &Path, folder: &Path) {
        for project in folder.ancestors().filter_map(Path::to_str) {
            let place = ["projects", project, "mcpServers"].map(str::to_owned);
            self.add("claude-code", path.to_owned(), |text| Config::read(text, Some(&place)));
        }
    }

    fn add(
        &mut self,
        source: &'static str,
        path: PathBuf,
        parse: impl FnOnce(&str) -> Result<Config, ConfigError>,
    ) {
        if !path.is_file() {
            return;
        }
        let config = file::read(&path).and_then(|text| parse(&text));
        match config.map_err(|error| error.in_file(&path)) {
            Ok(config) => {
                let config = config.of_file(&path);
                self.found.push(Discovered { source, path, config });
            }
            // A settings file without servers is not worth reporting.
            Err(ConfigError::NoServers { .. }) => {}
            Err(error) => self.failed.push(error),
        }
    }
}

/// The address of a server: its source and its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Address<'a> {
    /// Where the server was found, like `cursor`.
    pub source: &'static str,
    /// Its name there.
    pub name: &'a str,
}

impl Address<'_> {
    fn matches(&self, text: &str) -> bool {
        let of_source = text.strip_prefix(self.source).and_then(|rest| rest.strip_prefix(':'));
        text == self.name || of_source == Some(self.name)
    }
}

impl fmt::Display for Address<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.source, self.name)
    }
}
