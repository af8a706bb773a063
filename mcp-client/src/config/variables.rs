//! Expanding `${…}` variables.

use std::{collections::BTreeSet, env, fmt, path::PathBuf, sync::Arc};

/// Expands the `${…}` variables of a config.
///
/// | text | value |
/// |---|---|
/// | `${NAME}`, `${env:NAME}` | the environment variable |
/// | `${NAME:-text}` | the same, or the text if it is unset or empty |
/// | `${input:id}` | what the user is asked for |
/// | `${workspaceFolder}`, `${workspaceFolderBasename}` | the folder of the project |
/// | `${userHome}` | the home folder |
/// | `${pathSeparator}`, `${/}` | the path separator |
///
/// Anything else stays as it is. A variable without a value is an error: a server never gets an empty key by mistake.
#[derive(Clone)]
pub struct Variables {
    env: Lookup,
    input: Lookup,
    workspace: Option<PathBuf>,
    home: Option<PathBuf>,
}

type Lookup = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;

impl Default for Variables {
    fn default() -> Self {
        Self::from_env()
    }
}

impl Variables {
    /// Uses the environment of this process, its working directory as the project, and no inputs.
    pub fn from_env() -> Self {
        let (workspace, home) = (env::current_dir().ok(), env::home_dir());
        Self { workspace, home, ..Self::none() }.with_env(|name| env::var(name).ok())
    }

    /// Gives no variable a value.
    pub fn none() -> Self {
        let nothing: Lookup = Arc::new(|_| None);
        Self { env: Arc::clone(&nothing), input: nothing, workspace: None, home: None }
    }

    /// Replaces the lookup of environment variables.
    #[must_use]
    pub fn with_env(
        mut self,
        lookup: impl Fn(&str) -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        self.env = Arc::new(lookup);
        self
    }

    /// Sets the lookup of `${input:…}`, by id.
    #[must_use]
    pub fn with_input(
        mut self,
        lookup: impl Fn(&str) -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        self.input = Arc::new(lookup);
        self
    }

    /// Sets the folder of the project.
    #[must_use]
    pub fn with_workspace(self, folder: impl Into<PathBuf>) -> Self {
        Self { workspace: Some(folder.into()), ..self }
    }

    /// Expands the variables in a text; those without a value are added to `missing`, as written.
    pub(super) fn fill(&self, text: &str, missing: &mut BTreeSet<String>) -> String {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(start) = rest.find("${") {
            let (before, from) = rest.split_at(start);
            out.push_str(before);
            let Some(end) = from.find('}') else {
                out.push_str(from);
                return out;
            };
            let (whole, after) = from.split_at(end + 1);
            match self.value(&whole[2..end]) {
                Value::Is(value) => out.push_str(&value),
                Value::Literal => out.push_str(whole),
                Value::Missing(name) => drop(missing.insert(name)),
            }
            rest = after;
        }
        out.push_str(rest);
        out
    }

    fn value(&self, name: &str) -> Value {
        let path = |path: Option<PathBuf>| path.map(|path| path.to_string_lossy().into_owned());
        let value = match name {
            "workspaceFolder" => path(self.workspace.clone()),
            "workspaceFolderBasename" => {
                path(self.workspace.as_ref().and_then(|path| path.file_name()).map(PathBuf::from))
            }
            "userHome" => path(self.home.clone()),
            "pathSeparator" | "/" => Some(std::path::MAIN_SEPARATOR_STR.to_owned()),
            _ => return self.looked_up(name),
        };
        value.map_or_else(|| Value::Missing(format!("${{{name}}}")), Value::Is)
    }

    fn looked_up(&self, name: &str) -> Value {
        if let Some(id) = name.strip_prefix("input:") {
            let missing = || Value::Missing(format!("the input {id:?}"));
            return (self.input)(id).map_or_else(missing, Value::Is);
        }
        let name = name.strip_prefix("env:").unwrap_or(name);
        let (name, default) = match name.split_once(":-") {
            Some((name, default)) => (name, Some(default)),
            None => (name, None),
        };
        if !is_name(name) {
            return Value::Literal;
        }
        match ((self.env)(name), default) {
            (Some(value), Some(default)) if value.is_empty() => Value::Is(default.to_owned()),
            (Some(value), _) => Value::Is(value),
            (None, Some(default)) => Value::Is(default.to_owned()),
            (None, None) => Value::Missing(format!("the environment variable {name}")),
        }
    }
}

enum Value {
    Is(String),
    /// Not a variable.
    Literal,
    Missing(String),
}

/// Whether a text can name an environment variable.
pub(super) fn is_name(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|first: char| first.is_ascii_digit())
        && name.chars().all(|char| char.is_ascii_alphanumeric() || "_()".contains(char))
}

impl fmt::Debug for Variables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Variables").field("workspace", &self.workspace).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(text: &str) -> Result<String, Vec<String>> {
        let variables = Variables::none()
            .with_env(|name| match name {
                "TOKEN" => Some("s3cret".to_owned()),
                "EMPTY" => Some(String::new()),
                _ => None,
            })
            .with_input(|id| (id == "key").then(|| "typed".to_owned()))
            .with_workspace("/srv/project");
        let mut missing = BTreeSet::new();
        let filled = variables.fill(text, &mut missing);
        if missing.is_empty() { Ok(filled) } else { Err(missing.into_iter().collect()) }
    }

    #[test]
    fn variables_have_their_values() {
        for (text, filled) in [
            ("plain $TOKEN {TOKEN}", "plain $TOKEN {TOKEN}"),
            ("Bearer ${TOKEN}!", "Bearer s3cret!"),
            ("${env:TOKEN}${TOKEN}", "s3crets3cret"),
            ("${NONE:-a:-b}|${EMPTY:-c}|${TOKEN:-d}|${NONE:-}", "a:-b|c|s3cret|"),
            ("[${EMPTY}]", "[]"),
            ("${input:key}", "typed"),
            ("${workspaceFolder}/a ${workspaceFolderBasename}", "/srv/project/a project"),
            ("${not a name} ${} ${TOKEN", "${not a name} ${} ${TOKEN"),
        ] {
            assert_eq!(fill(text).as_deref(), Ok(filled), "{text}");
        }
    }

    #[test]
    fn what_has_no_value_is_named_all_of_it() {
        let missing = fill("${A} ${env:B} ${input:c} ${TOKEN} ${userHome}").unwrap_err();
        let expected = [
            "${userHome}",
            "the environment variable A",
            "the environment variable B",
            "the input \"c\"",
        ];
        assert_eq!(missing, expected);
    }

    #[test]
    fn a_value_is_not_filled_again() {
        let variables = Variables::none().with_env(|_| Some("${A}".to_owned()));
        assert_eq!(variables.fill("${A}", &mut BTreeSet::new()), "${A}");
    }
}
