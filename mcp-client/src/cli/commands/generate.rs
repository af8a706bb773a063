//! Generating code for the tools of a server.

use super::{closed, connect, unless_ended};
use crate::cli::{Failure, Terminal, options::Common, target::resolve};
use crate::codegen::Generator;
use futures_util::TryFutureExt;
use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
};

pub(super) fn generator(
    name: String,
    renames: Vec<(String, String)>,
    skipped: Vec<String>,
) -> Generator {
    let generator = Generator::new().struct_name(name);
    let generator = renames
        .into_iter()
        .fold(generator, |generator, (tool, method)| generator.rename(tool, method));
    skipped.into_iter().fold(generator, Generator::skip)
}

/// Generates code for the tools of a server, or for saved ones.
pub(super) async fn run(
    words: Vec<String>,
    program: Option<Vec<OsString>>,
    common: &Common,
    generator: &Generator,
    output: Option<PathBuf>,
    terminal: &Terminal,
) -> Result<(), Failure> {
    let code = match saved(&words, program.is_some()) {
        Some(saved) => generator.generate_json(&saved)?,
        None => {
            let (client, words) = resolve(words, program, common, terminal)?;
            if !words.is_empty() {
                return Err(Failure::Usage("the command takes a target, see --help".to_owned()));
            }
            let connection = connect(client, common, terminal).await?;
            let listing = connection.list_tools().into_future().map_err(Failure::from);
            let tools = unless_ended(terminal, listing).await;
            generator.generate(&closed(connection, terminal, tools).await?)?
        }
    };
    match output {
        Some(path) => fs::write(&path, code)
            .map_err(|error| Failure::new(format!("cannot write {}: {error}", path.display()))),
        None => {
            terminal.write(&code);
            Ok(())
        }
    }
}

/// Returns the text of a file with saved tools, if the target is one.
fn saved(words: &[String], has_program: bool) -> Option<String> {
    let [path] = words else { return None };
    if has_program || Path::new(path).extension()? != "json" {
        return None;
    }
    let text = fs::read_to_string(path).ok()?;
    let value: serde_json::Value = serde_json::from_str(&text).ok()?;
    (value.is_array() || value.get("tools").is_some_and(serde_json::Value::is_array))
        .then_some(text)
}
