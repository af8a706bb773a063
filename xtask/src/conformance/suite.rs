//! The official suite: its content, and how to run it.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use super::pairs::{self, Pair};
use super::verdict::{Check, Ran};
use crate::{peers, workspace};

/// The time limit of a client. The program itself gives up some seconds later, so that no client outlives its run.
const CLIENT_MILLISECONDS: &str = "20000";

/// How long the suite may take for one scenario before it is killed.
const LIMIT: Duration = Duration::from_secs(60);

/// The installed suite, and the program that it drives.
pub(super) struct Suite {
    node: PathBuf,
    package: PathBuf,
    version: String,
    client: PathBuf,
    /// Where the runs store their checks and logs.
    results: PathBuf,
}

impl Suite {
    pub(super) fn new(client: PathBuf) -> Result<Self> {
        #[derive(Deserialize)]
        struct Package {
            version: String,
        }

        let (folder, node) = peers::suite();
        let package = folder.join("node_modules/@modelcontextprotocol/conformance");
        let path = package.join("package.json");
        let text = fs::read_to_string(&path).with_context(|| {
            format!("{} is missing: run `cargo xtask peers install`", path.display())
        })?;
        let Package { version } = serde_json::from_str(&text)
            .with_context(|| format!("cannot read {}", path.display()))?;
        let results = workspace::root().join("target/conformance");
        Ok(Self { node, package, version, client, results })
    }

    pub(super) fn version(&self) -> &str {
        &self.version
    }

    /// Lists every client scenario at every revision that it applies to.
    pub(super) fn pairs(&self) -> Result<Vec<Pair>> {
        pairs::read(&self.list(&["--client"])?)
    }

    /// Lists what each revision requires of a client, as far as the suite has decided.
    pub(super) fn requirements(&self) -> Result<Vec<(String, Vec<String>)>> {
        let folder = self.package.join("requirements");
        let mut revisions = Vec::new();
        for entry in
            fs::read_dir(&folder).with_context(|| format!("cannot list {}", folder.display()))?
        {
            let path = entry?.path();
            revisions.extend(path.file_stem().map(|stem| stem.to_string_lossy().into_owned()));
        }
        revisions.sort();
        let required = revisions.into_iter().map(|revision| {
            let list = self.list(&["--requirements", &revision])?;
            Ok((revision, pairs::read_required(&list)))
        });
        required.collect()
    }

    /// Runs one scenario at one revision.
    pub(super) fn run(&self, pair: &Pair) -> Result<Ran> {
        let folder = self.results.join(&pair.revision).join(pair.scenario.replace('/', "-"));
        if folder.exists() {
            fs::remove_dir_all(&folder)
                .with_context(|| format!("cannot remove {}", folder.display()))?;
        }
        fs::create_dir_all(&folder)
            .with_context(|| format!("cannot create {}", folder.display()))?;
        let log = folder.join("log.txt");
        let start = Instant::now();
        let status = self.run_in(&folder, &log, pair)?;
        let seconds = start.elapsed().as_secs_f64();
        let mut log = String::from_utf8_lossy(&fs::read(&log)?).into_owned();
        let Some(status) = status else {
            log.push_str(&format!("\nended by force after {LIMIT:?}\n"));
            return Ok(Ran { log, seconds, ..Ran::default() });
        };
        Ok(Ran { is_pass: status.success(), checks: read_checks(&folder)?, log, seconds })
    }

    /// Returns the exit status; none if it took too long.
    fn run_in(&self, folder: &Path, log: &Path, pair: &Pair) -> Result<Option<ExitStatus>> {
        let (place, program) = (self.client.parent(), self.client.file_name());
        let (Some(place), Some(program)) = (place, program) else {
            bail!("{} is no program", self.client.display());
        };
        let file = File::create(log).with_context(|| format!("cannot write {}", log.display()))?;
        let mut suite = self.command();
        // The suite splits the command at spaces; a bare file name has none, wherever the program is.
        suite.current_dir(place).args(["client", "--command"]);
        suite.arg(format!("./{}", program.to_string_lossy()));
        suite.args(["--scenario", &pair.scenario, "--spec-version", &pair.revision]);
        suite.args(["--timeout", CLIENT_MILLISECONDS, "--output-dir"]).arg(folder);
        suite.args(pair.forced.then_some("--force"));
        suite.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file);
        wait(suite.spawn().context("cannot start the suite")?)
    }

    fn list(&self, arguments: &[&str]) -> Result<String> {
        let output = self.command().arg("list").args(arguments).output();
        let output = output.context("cannot start the suite")?;
        if !output.status.success() {
            bail!("the suite lists nothing: {}", String::from_utf8_lossy(&output.stderr).trim());
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.node);
        command.arg(self.package.join("dist/index.js"));
        command
    }
}

fn wait(mut child: Child) -> Result<Option<ExitStatus>> {
    let end = Instant::now() + LIMIT;
    while Instant::now() < end {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    child.kill()?;
    child.wait()?;
    Ok(None)
}

/// Reads the checks from the directory of the suite, whose name contains the time.
fn read_checks(folder: &Path) -> Result<Option<Vec<Check>>> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            if let Some(checks) = read_checks(&path)? {
                return Ok(Some(checks));
            }
        } else if path.file_name().is_some_and(|name| name == "checks.json") {
            let text = fs::read_to_string(&path)?;
            let checks = serde_json::from_str(&text)
                .with_context(|| format!("cannot read {}", path.display()))?;
            return Ok(Some(checks));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checks_are_found_in_the_folder_that_the_suite_made() {
        let folder = std::env::temp_dir().join(format!("xtask-suite-{}", std::process::id()));
        let inner = folder.join("auth/basic-2026-01-01T00-00-00");
        fs::create_dir_all(&inner).unwrap();
        fs::write(folder.join("log.txt"), "said").unwrap();
        assert!(read_checks(&folder).unwrap().is_none());
        fs::write(inner.join("checks.json"), r#"[{"id": "a", "status": "SUCCESS"}]"#).unwrap();
        assert_eq!(read_checks(&folder).unwrap().map(|checks| checks.len()), Some(1));
        fs::write(inner.join("checks.json"), "[{}]").unwrap();
        assert!(read_checks(&folder).is_err());
        fs::remove_dir_all(&folder).unwrap();
    }
}
