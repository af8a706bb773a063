//! Finding the files of editors and agents.

use mcp_client::config::{ConfigError, discover};
use std::{fs, path::Path};

fn write(folder: &Path, path: &str, text: &str) {
    let path = folder.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn server(map: &str, name: &str, command: &str) -> String {
    format!(r#"{{"{map}": {{"{name}": {{"command": "{command}"}}}}}}"#)
}

#[test]
fn the_files_of_each_editor_are_found_and_the_nearest_wins() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    let project = home.join("work/project");
    let folder = project.join("src/deep");
    fs::create_dir_all(&folder).unwrap();
    let claude = format!(
        r#"{{"mcpServers": {{"every": {{"command": "e"}}, "own": {{"command": "far"}}}}, "projects": {{
            {:?}: {{"mcpServers": {{"own": {{"command": "near"}}}}}}, "/else": {{"mcpServers": {{"x": {{"command": "x"}}}}}}
        }}}}"#,
        project.to_str().unwrap()
    );
    write(home, ".claude.json", &claude);
    write(home, ".config/Claude/claude_desktop_config.json", &server("mcpServers", "desk", "d"));
    write(home, ".cursor/mcp.json", &server("mcpServers", "cur", "far"));
    write(home, ".gemini/settings.json", r#"{"theme": "dark"}"#);
    write(home, ".codeium/windsurf/mcp_config.json", &server("mcpServers", "surf", "w"));
    write(&project, ".mcp.json", &server("mcpServers", "shared", "s"));
    write(&project, ".cursor/mcp.json", &server("mcpServers", "cur", "near"));
    write(&project, ".vscode/mcp.json", &server("servers", "code", "v"));
    write(&folder, "mcp.json", "{broken");

    let found = discover(Some(home), &folder);
    let addresses: Vec<_> = found.servers().map(|(address, _)| address.to_string()).collect();
    assert_eq!(
        addresses,
        [
            "claude-code:shared",
            "cursor:cur",
            "vscode:code",
            "claude-code:own",
            "claude-code:every",
            "windsurf:surf",
            "claude-desktop:desk",
        ]
    );
    for (address, command) in
        [("cursor:cur", "near"), ("claude-code:own", "near"), ("desk", "d"), ("code", "v")]
    {
        let server = found.server(address).unwrap();
        assert!(format!("{server:?}").contains(&format!("{command:?}")), "{address}: {server:?}");
    }
    let [failed] = &found.failed[..] else { panic!("{:?}", found.failed) };
    assert!(
        failed.to_string().contains("mcp.json") && failed.to_string().contains("1:"),
        "{failed}"
    );
    let error = found.server("cursor:curr").unwrap_err().to_string();
    assert!(error.contains(r#"did you mean "cursor:cur"?"#), "{error}");
}

#[test]
fn a_name_that_two_sources_have_needs_its_source() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write(folder, ".mcp.json", &server("mcpServers", "same", "a"));
    write(folder, ".vscode/mcp.json", &server("servers", "same", "b"));
    let found = discover(None, folder);
    let error = found.server("same").unwrap_err();
    let ConfigError::Ambiguous { of, .. } = &error else { panic!("{error}") };
    assert_eq!(of, &["claude-code:same", "vscode:same"]);
    assert!(found.server("vscode:same").is_ok());
}

#[test]
fn where_there_is_nothing_nothing_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let found = discover(Some(folder.path()), folder.path());
    assert!(found.found.is_empty() && found.failed.is_empty());
}
