//! Dependencies point down: types, transport, session, client. Read from `cargo metadata`.

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use super::Finding;
use super::tree::Tree;
use crate::workspace;

/// One layer, and the dependencies that its `Cargo.toml` may name.
struct Layer {
    package: &'static str,
    /// The layers below it.
    below: &'static [&'static str],
    foreign: Foreign,
}

/// The external packages that a layer may use. Those used only in tests are not checked.
enum Foreign {
    Only(&'static [&'static str]),
    Except(&'static [&'static str]),
}

const LAYERS: [Layer; 4] = [
    Layer {
        package: "mcp-types",
        below: &[],
        foreign: Foreign::Only(&[
            "bytes",
            "indexmap",
            "itoa",
            "memchr",
            "schemars",
            "serde_core",
            "serde_json",
            "zmij",
        ]),
    },
    Layer { package: "mcp-transport", below: &["mcp-types"], foreign: Foreign::Except(&[]) },
    Layer {
        package: "mcp-session",
        below: &["mcp-types", "mcp-transport"],
        foreign: Foreign::Except(&["hyper", "hyper-rustls", "hyper-util", "reqwest"]),
    },
    Layer {
        package: "mcp-client",
        below: &["mcp-types", "mcp-transport", "mcp-session"],
        foreign: Foreign::Except(&[]),
    },
];

/// The packages that may use every layer. They are not published.
const TOOLS: [&str; 2] = ["conformance", "xtask"];

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    dependencies: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
    /// Absent for an ordinary dependency.
    kind: Option<String>,
    features: Vec<String>,
    uses_default_features: bool,
}

pub(super) fn check(tree: &Tree) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for package in packages()? {
        let Some(layer) = LAYERS.iter().find(|layer| layer.package == package.name) else {
            if !TOOLS.contains(&package.name.as_str()) {
                let message =
                    "the package is neither a layer nor a tool; make it a feature of a layer";
                findings.push(finding(tree, &package.name, "name", message.to_owned()));
            }
            continue;
        };
        for dependency in &package.dependencies {
            if let Some(message) = layer.objection(dependency) {
                findings.push(finding(tree, &package.name, &dependency.name, message));
            }
        }
    }
    Ok(findings)
}

impl Layer {
    fn objection(&self, dependency: &Dependency) -> Option<String> {
        let (layer, name) = (self.package, dependency.name.as_str());
        let is_layer = LAYERS.iter().any(|other| other.package == name);
        if is_layer && name != layer && !self.below.contains(&name) {
            return Some(format!(
                "{layer} does not stand on {name}; move what it needs to a layer below"
            ));
        }
        if dependency.is_for_tests() {
            return None;
        }
        if (layer, name) == ("mcp-session", "mcp-transport") && dependency.has_features() {
            return Some(format!(
                "{layer} knows the contract of {name} but no binding; take it without features"
            ));
        }
        let is_allowed = match self.foreign {
            Foreign::Only(names) => is_layer || names.contains(&name),
            Foreign::Except(names) => !names.contains(&name),
        };
        (!is_allowed).then(|| {
            format!("{layer} knows nothing of {name}; move what needs it to a layer above")
        })
    }
}

impl Dependency {
    fn is_for_tests(&self) -> bool {
        self.kind.as_deref() == Some("dev")
    }

    fn has_features(&self) -> bool {
        self.uses_default_features || !self.features.is_empty()
    }
}

/// The packages of the workspace.
fn packages() -> Result<Vec<Package>> {
    let output = workspace::cargo()
        .args(["metadata", "--format-version=1", "--no-deps"])
        .output()
        .context("cannot run cargo metadata")?;
    if !output.status.success() {
        bail!("cargo metadata failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    let metadata: Metadata =
        serde_json::from_slice(&output.stdout).context("cannot read cargo metadata")?;
    Ok(metadata.packages)
}

/// Points to the line of the manifest that names the dependency.
fn finding(tree: &Tree, package: &str, dependency: &str, message: String) -> Finding {
    let path = std::path::Path::new(package).join("Cargo.toml");
    let manifest = tree.files.iter().find(|file| file.path == path);
    let line = manifest.and_then(|file| {
        file.lines().find(|(_, line)| line.starts_with(dependency)).map(|(number, _)| number)
    });
    Finding { path, line: line.unwrap_or(1), message }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dependency(name: &str, kind: Option<&str>) -> Dependency {
        Dependency {
            name: name.to_owned(),
            kind: kind.map(str::to_owned),
            features: Vec::new(),
            uses_default_features: false,
        }
    }

    fn objects(package: &str, dependency: &Dependency) -> bool {
        let layer = LAYERS.iter().find(|layer| layer.package == package).unwrap();
        layer.objection(dependency).is_some()
    }

    #[test]
    fn a_layer_may_use_those_below_and_none_above() {
        assert!(!objects("mcp-session", &dependency("mcp-transport", None)));
        assert!(objects("mcp-transport", &dependency("mcp-session", None)));
        assert!(objects("mcp-types", &dependency("mcp-client", Some("dev"))));
    }

    #[test]
    fn the_vocabulary_has_no_runtime() {
        assert!(!objects("mcp-types", &dependency("serde_core", None)));
        assert!(objects("mcp-types", &dependency("tokio", None)));
        assert!(objects("mcp-types", &dependency("tokio", Some("build"))));
        assert!(!objects("mcp-types", &dependency("proptest", Some("dev"))));
    }

    #[test]
    fn the_session_names_no_binding() {
        assert!(!objects("mcp-session", &dependency("tower", None)));
        assert!(objects("mcp-session", &dependency("hyper", None)));
        let http =
            Dependency { features: vec!["http".to_owned()], ..dependency("mcp-transport", None) };
        assert!(objects("mcp-session", &http));
        assert!(!objects("mcp-session", &Dependency { kind: Some("dev".to_owned()), ..http }));
        let all = Dependency { uses_default_features: true, ..dependency("mcp-transport", None) };
        assert!(objects("mcp-session", &all));
    }
}
