//! The environment of a child: which variables it inherits.

use std::{
    env,
    ffi::{OsStr, OsString},
    fmt,
};

#[cfg(not(windows))]
const INHERITED: &[&str] = &["HOME", "LANG", "LOGNAME", "PATH", "SHELL", "TERM", "TMPDIR", "USER"];

#[cfg(windows)]
const INHERITED: &[&str] = &[
    "APPDATA",
    "COMSPEC",
    "HOMEDRIVE",
    "HOMEPATH",
    "LOCALAPPDATA",
    "PATH",
    "PATHEXT",
    "PROCESSOR_ARCHITECTURE",
    "PROGRAMDATA",
    "PROGRAMFILES",
    "SYSTEMDRIVE",
    "SYSTEMROOT",
    "TEMP",
    "TMP",
    "USERNAME",
    "USERPROFILE",
    "WINDIR",
];

/// The variables of a child: some or all of the parent's, and its own.
#[derive(Clone, Default)]
pub(super) struct Environment {
    inherits_all: bool,
    /// Names that are inherited in addition to the default ones.
    inherited: Vec<OsString>,
    own: Vec<(OsString, OsString)>,
}

impl Environment {
    pub(super) fn set(&mut self, name: OsString, value: OsString) {
        match self.own.iter_mut().find(|(known, _)| *known == name) {
            Some(known) => known.1 = value,
            None => self.own.push((name, value)),
        }
    }

    pub(super) fn inherit_all(&mut self) {
        self.inherits_all = true;
    }

    pub(super) fn inherit(&mut self, name: OsString) {
        if !self.inherited.contains(&name) {
            self.inherited.push(name);
        }
    }

    /// Returns the current variables; of two with the same name the last one counts.
    pub(super) fn variables(&self) -> Vec<(OsString, OsString)> {
        let mut variables: Vec<_> = env::vars_os().collect();
        variables.retain(|(name, value)| {
            self.inherits_all || self.inherited.contains(name) || may_pass(name, value)
        });
        variables.extend_from_slice(&self.own);
        variables
    }

    /// Lists all settings, in a fixed order.
    #[cfg(feature = "fingerprint")]
    pub(super) fn fields(&self) -> Vec<&OsStr> {
        let all = self.inherits_all.then_some(OsStr::new("*"));
        let mut inherited: Vec<&OsStr> = self.inherited.iter().map(|name| &**name).collect();
        inherited.sort_unstable();
        let mut own: Vec<_> = self.own.iter().collect();
        own.sort_unstable();
        let own = own.into_iter().flat_map(|(name, value)| [&**name, &**value]);
        // The empty string is not a name: it separates the parts.
        all.into_iter().chain(inherited).chain([OsStr::new("")]).chain(own).collect()
    }
}

/// Returns whether a child gets this variable of the parent by default.
fn may_pass(name: &OsStr, value: &OsStr) -> bool {
    let Some(name) = name.to_str() else { return false };
    let is_listed = name.starts_with("LC_") || INHERITED.iter().any(|it| same(it, name));
    // Some shells keep functions in variables, and execute them.
    is_listed && !value.as_encoded_bytes().starts_with(b"()")
}

fn same(listed: &str, name: &str) -> bool {
    if cfg!(windows) { listed.eq_ignore_ascii_case(name) } else { listed == name }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let own: Vec<_> = self.own.iter().map(|(name, _)| name).collect();
        f.debug_struct("Environment")
            .field("inherits_all", &self.inherits_all)
            .field("inherited", &self.inherited)
            .field("own", &own)
            .finish()
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn little_of_the_parent_passes() {
        let passes = |name: &str, value: &str| may_pass(OsStr::new(name), OsStr::new(value));
        assert!(passes("PATH", "/bin") && passes("LC_ALL", "C"));
        assert!(!passes("AWS_SECRET_ACCESS_KEY", "x") && !passes("path", "/bin"));
        assert!(!passes("TERM", "() { :; }; echo"));
    }

    #[test]
    fn debug_shows_no_values() {
        let mut environment = Environment::default();
        environment.set("TOKEN".into(), "hunter2".into());
        let text = format!("{environment:?}");
        assert!(text.contains("TOKEN") && !text.contains("hunter2"));
    }
}
