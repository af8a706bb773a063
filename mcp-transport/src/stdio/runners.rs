//! Commands for the usual ways to start a server: Python, Node, `uv`, `npx`.

use super::{Command, check::Requirement};
use std::{ffi::OsString, path::PathBuf};

/// The name of the Python interpreter.
const PYTHON: &str = if cfg!(windows) { "python" } else { "python3" };
/// On Windows `npx` is a batch file, whose extension must be given.
const NPX: &str = if cfg!(windows) { "npx.cmd" } else { "npx" };

impl Command {
    /// Starts a Python script with `python3`, or `python` on Windows. Later arguments go to the script.
    ///
    /// ```
    /// use mcp_transport::stdio::Command;
    ///
    /// let command = Command::python("weather.py").arg("--metric");
    /// ```
    pub fn python(script: impl Into<PathBuf>) -> Self {
        Self::interpreted(PYTHON.into(), script.into(), &["py"])
    }

    /// Starts a JavaScript script with `node`.
    pub fn node(script: impl Into<PathBuf>) -> Self {
        Self::interpreted("node".into(), script.into(), &["js", "mjs", "cjs"])
    }

    /// Starts a script with any interpreter, for example a specific Python.
    pub fn script(interpreter: impl Into<OsString>, script: impl Into<PathBuf>) -> Self {
        Self::interpreted(interpreter.into(), script.into(), &[])
    }

    fn interpreted(
        interpreter: OsString,
        script: PathBuf,
        extensions: &'static [&'static str],
    ) -> Self {
        let path = script.clone();
        Self::new(interpreter).requires(Requirement::Script { path, extensions }).arg(script)
    }
}

/// Starts a Python program with `uv run`, which installs its packages.
///
/// ```
/// use mcp_transport::stdio::{Command, Uv};
///
/// let server = Uv::script("weather.py").python("3.12").with("httpx").project("weather");
/// let command = Command::from(server).arg("--metric").env("UNITS", "metric");
/// ```
#[derive(Clone, Debug)]
#[must_use = "it becomes a command first"]
pub struct Uv {
    target: OsString,
    is_module: bool,
    python: Option<String>,
    project: Option<PathBuf>,
    packages: Vec<String>,
    requirements: Option<PathBuf>,
}

impl Uv {
    /// Runs a script, or a program of the project's environment.
    pub fn script(target: impl Into<OsString>) -> Self {
        Self {
            target: target.into(),
            is_module: false,
            python: None,
            project: None,
            packages: Vec::new(),
            requirements: None,
        }
    }

    /// Runs a Python module.
    pub fn module(name: impl Into<OsString>) -> Self {
        Self { is_module: true, ..Self::script(name) }
    }

    /// With this version of Python.
    pub fn python(mut self, version: impl Into<String>) -> Self {
        self.python = Some(version.into());
        self
    }

    /// Sets the directory of the project, which has to exist.
    pub fn project(mut self, directory: impl Into<PathBuf>) -> Self {
        self.project = Some(directory.into());
        self
    }

    /// With one more package.
    pub fn with(mut self, package: impl Into<String>) -> Self {
        self.packages.push(package.into());
        self
    }

    /// Adds the packages of a requirements file.
    pub fn with_requirements(mut self, file: impl Into<PathBuf>) -> Self {
        self.requirements = Some(file.into());
        self
    }
}

impl From<Uv> for Command {
    fn from(uv: Uv) -> Self {
        let mut command = Self::new("uv").arg("run");
        if let Some(version) = uv.python {
            command = command.args(["--python".to_owned(), version]);
        }
        if let Some(directory) = uv.project {
            let required = Requirement::Directory(directory.clone());
            command = command.requires(required).arg("--directory").arg(directory);
        }
        for package in uv.packages {
            command = command.args(["--with".to_owned(), package]);
        }
        if let Some(file) = uv.requirements {
            command = command.arg("--with-requirements").arg(file);
        }
        if uv.is_module {
            command = command.arg("--module");
        }
        command.requires(name(&uv.target)).arg(uv.target)
    }
}

/// Starts a tool of a Python package with `uvx`.
///
/// ```
/// use mcp_transport::stdio::{Command, Uvx};
///
/// let command = Command::from(Uvx::new("mcp-server-git").python("3.12")).args(["--repository", "."]);
/// ```
#[derive(Clone, Debug)]
#[must_use = "it becomes a command first"]
pub struct Uvx {
    tool: String,
    python: Option<String>,
    from: Option<String>,
    packages: Vec<String>,
}

impl Uvx {
    /// Runs a tool from the package of the same name.
    pub fn new(tool: impl Into<String>) -> Self {
        Self { tool: tool.into(), python: None, from: None, packages: Vec::new() }
    }

    /// With this version of Python.
    pub fn python(mut self, version: impl Into<String>) -> Self {
        self.python = Some(version.into());
        self
    }

    /// Sets the package of the tool, if its name differs.
    pub fn from_package(mut self, package: impl Into<String>) -> Self {
        self.from = Some(package.into());
        self
    }

    /// With one more package.
    pub fn with(mut self, package: impl Into<String>) -> Self {
        self.packages.push(package.into());
        self
    }
}

impl From<Uvx> for Command {
    fn from(uvx: Uvx) -> Self {
        let mut command = Self::new("uvx");
        if let Some(version) = uvx.python {
            command = command.args(["--python".to_owned(), version]);
        }
        if let Some(package) = uvx.from {
            command = command.args(["--from".to_owned(), package]);
        }
        for package in uvx.packages {
            command = command.args(["--with".to_owned(), package]);
        }
        command.requires(Requirement::Name(uvx.tool.clone())).arg(uvx.tool)
    }
}

/// Starts a program of an npm package with `npx`.
///
/// ```
/// use mcp_transport::stdio::{Command, Npx};
///
/// let server = Npx::new("@modelcontextprotocol/server-everything").prefer_offline();
/// let command = Command::from(server).arg("stdio");
/// ```
#[derive(Clone, Debug)]
#[must_use = "it becomes a command first"]
pub struct Npx {
    package: String,
    prefers_offline: bool,
}

impl Npx {
    /// Runs the program of a package.
    pub fn new(package: impl Into<String>) -> Self {
        Self { package: package.into(), prefers_offline: false }
    }

    /// Asks the registry only for packages that are not cached.
    pub fn prefer_offline(mut self) -> Self {
        self.prefers_offline = true;
        self
    }
}

impl From<Npx> for Command {
    fn from(npx: Npx) -> Self {
        let mut command = Self::new(NPX);
        if npx.prefers_offline {
            command = command.arg("--prefer-offline");
        }
        command.requires(Requirement::Name(npx.package.clone())).arg(npx.package)
    }
}

fn name(text: &OsString) -> Requirement {
    Requirement::Name(text.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(command: impl Into<Command>, expected: &[&str]) {
        let command = command.into();
        let words = std::iter::once(&command.program).chain(&command.args);
        let words: Vec<_> = words.map(|word| word.to_str().unwrap()).collect();
        assert_eq!(words, expected);
    }

    // seed: 33
    #[test]
    fn each_runner_gets_its_words_in_order() {
        check(Command::python("a.py").arg("x"), &[PYTHON, "a.py", "x"]);
        check(Command::node("a.js"), &["node", "a.js"]);
        check(Command::script("pypy3", "a"), &["pypy3", "a"]);
        let uv = Uv::script("a.py").python("3.12").project("p").with("b").with("c");
        check(
            uv.with_requirements("r.txt"),
            &[
                "uv",
                "run",
                "--python",
                "3.12",
                "--directory",
                "p",
                "--with",
                "b",
                "--with",
                "c",
                "--with-requirements",
                "r.txt",
                "a.py",
            ],
        );
        check(Uv::module("m"), &["uv", "run", "--module", "m"]);
        let uvx = Uvx::new("t").with("b").from_package("p").python("3.12");
        check(uvx, &["uvx", "--python", "3.12", "--from", "p", "--with", "b", "t"]);
        check(Uvx::new("t"), &["uvx", "t"]);
        check(Npx::new("p").prefer_offline(), &[NPX, "--prefer-offline", "p"]);
        check(Command::from(Npx::new("@a/b")).arg("c"), &[NPX, "@a/b", "c"]);
    }
}
