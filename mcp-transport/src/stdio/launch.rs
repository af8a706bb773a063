//! Starting a child.

use super::{
    Command,
    group::{Ends, Group},
    pipes::Pipes,
    process::Process,
    stderr::{OpenError, Tail},
};
use crate::{Delivery, Error, error::Kind};
use std::{
    ffi::{OsStr, OsString},
    io,
    path::Path,
    process::Stdio,
};
use tokio::runtime;

impl Command {
    /// Starts the child.
    pub(super) fn launch(&self) -> Result<(Process, Pipes, Tail), Error> {
        if runtime::Handle::try_current().is_err() {
            return Err(self.failure("there is no tokio runtime here"));
        }
        let base = self.current_dir.as_deref().unwrap_or(Path::new(""));
        if let Some(wrong) = self.requirements.iter().find_map(|it| it.check(base).err()) {
            return Err(self.failure(&wrong));
        }
        let variables = self.environment.variables();
        let stderr = self.stderr.open().map_err(|OpenError { path, source }| {
            let reason = format!("its standard error file {} cannot be opened", path.display());
            self.failure(&reason).with_source(source)
        })?;
        let path = variables.iter().rfind(|(name, _)| name == "PATH").map(|(_, path)| path.clone());
        let mut group = Group::spawn(self.prepared(variables, stderr)).map_err(|error| {
            self.failure(&self.reason(&error, path.as_deref())).with_source(error)
        })?;
        let Ends { stdin, stdout, stderr } = group.ends();
        // From here on an error kills the group.
        let process = Process::new(group);
        let (Some(stdin), Some(stdout)) = (stdin, stdout) else {
            return Err(self.failure("its pipes are missing"));
        };
        let tail = Tail::new(self.name(), stderr, &self.stderr, self.stderr_tail);
        Ok((process, Pipes::new(stdin, stdout), tail))
    }

    fn prepared(
        &self,
        variables: Vec<(OsString, OsString)>,
        stderr: Stdio,
    ) -> tokio::process::Command {
        let mut command = tokio::process::Command::new(self.file(&variables));
        command
            .args(&self.args)
            .env_clear()
            .envs(variables)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(stderr);
        if let Some(directory) = &self.current_dir {
            command.current_dir(directory);
        }
        command
    }

    /// Returns the file to start, or a name for the system to look up.
    #[cfg(not(windows))]
    fn file(&self, _: &[(OsString, OsString)]) -> OsString {
        self.program.clone()
    }

    #[cfg(windows)]
    fn file(&self, variables: &[(OsString, OsString)]) -> OsString {
        let is_path = |name: &OsStr| name.eq_ignore_ascii_case("PATH");
        let path = variables.iter().rfind(|(name, _)| is_path(name)).map(|(_, path)| &**path);
        let found = super::lookup::find(&self.program, path.unwrap_or_default(), |file| {
            let base = self.current_dir.as_deref().filter(|_| self.is_path());
            base.map_or_else(|| file.is_file(), |base| base.join(file).is_file())
        });
        found.map_or_else(|| self.program.clone(), Into::into)
    }

    fn name(&self) -> String {
        let name = Path::new(&self.program).file_name().unwrap_or(&self.program);
        name.to_string_lossy().into_owned()
    }

    fn failure(&self, reason: &str) -> Error {
        let program = self.program.to_string_lossy();
        let text = format!("cannot start `{program}`: {reason}");
        Error::new(Kind::Connect, Delivery::NotSent, text)
    }

    /// Returns why the child did not start. The system says "not found" about three different things.
    fn reason(&self, error: &io::Error, path: Option<&OsStr>) -> String {
        if let Some(directory) = self.current_dir.as_deref().filter(|it| !it.is_dir()) {
            return format!("its working directory {} does not exist", directory.display());
        }
        match error.kind() {
            io::ErrorKind::NotFound if self.is_path() => self.reason_of_path(),
            io::ErrorKind::NotFound => match path {
                Some(path) => format!("it is in no directory of PATH ({})", path.to_string_lossy()),
                None => "PATH is not set".to_owned(),
            },
            io::ErrorKind::PermissionDenied => "it may not be executed".to_owned(),
            io::ErrorKind::InvalidInput => {
                "its name, an argument or a variable cannot be handed over".to_owned()
            }
            _ if error.raw_os_error().is_some_and(is_exhaustion) => {
                "the system has no descriptor, process or memory left".to_owned()
            }
            _ => "the system refuses it".to_owned(),
        }
    }

    fn is_path(&self) -> bool {
        Path::new(&self.program).components().count() > 1
    }

    fn reason_of_path(&self) -> String {
        let base = self.current_dir.as_deref().unwrap_or(Path::new(""));
        if base.join(&self.program).exists() {
            "the interpreter that its first line names does not exist".to_owned()
        } else {
            "there is no such file".to_owned()
        }
    }
}

/// Returns whether an error means that a resource is exhausted: `EAGAIN`, `ENOMEM`, `ENFILE` or `EMFILE`.
fn is_exhaustion(code: i32) -> bool {
    cfg!(unix) && matches!(code, 11 | 12 | 23 | 24 | 35)
}
