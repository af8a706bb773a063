//! Which entries are accepted, and which are refused.

use super::{Skill, is_inside};
use serde_json::{Value, json};

const DIGEST: &str = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

fn file(uri: &str) -> Value {
    json!({"uri": uri, "digest": DIGEST, "size": 3})
}

fn entry() -> Value {
    json!({
        "uri": "skill://acme/refunds/SKILL.md",
        "frontmatter": {"name": "refunds", "description": "Pays back", "metadata": {"version": 1.0}},
        "resources": [file("skill://acme/refunds/SKILL.md"), file("skill://acme/refunds/a/b.md")],
        "com.example/own": [1],
    })
}

/// Returns why an entry is refused after a change.
fn refused(change: impl FnOnce(&mut Value)) -> String {
    let mut entry = entry();
    change(&mut entry);
    serde_json::from_value::<Skill>(entry).unwrap_err().to_string()
}

#[test]
fn an_entry_keeps_all_that_the_server_said() {
    let skill: Skill = serde_json::from_value(entry()).unwrap();
    assert_eq!((skill.name(), skill.description()), ("refunds", "Pays back"));
    assert_eq!(skill.folder(), "skill://acme/refunds/");
    let file = skill.file("skill://acme/refunds/a/b.md").unwrap();
    assert_eq!((file.size(), &*file.digest()), (3, DIGEST));
    assert_eq!(serde_json::to_value(&skill).unwrap(), entry());
}

#[test]
fn a_skill_without_fixed_files_has_nothing_to_compare() {
    let mut entry = entry();
    entry["resources"] = json!("dynamic");
    let skill: Skill = serde_json::from_value(entry.clone()).unwrap();
    assert_eq!((skill.files(), skill.content_digest()), (None, None));
    assert_eq!(serde_json::to_value(&skill).unwrap(), entry);
}

#[test]
fn an_entry_that_breaks_a_rule_is_refused_and_says_which() {
    assert!(refused(|entry| entry["uri"] = json!("skill://acme/refunds")).contains("no SKILL.md"));
    assert!(refused(|entry| entry["frontmatter"]["name"] = json!("other")).contains("is named"));
    assert!(refused(|entry| entry["frontmatter"]["name"] = json!(7)).contains("has no name"));
    let without =
        |entry: &mut Value| _ = entry["frontmatter"].as_object_mut().unwrap().remove("description");
    assert!(refused(without).contains("has no description"));
    for odd in [json!(null), json!("Dynamic"), json!({}), json!(3)] {
        assert!(refused(|entry| entry["resources"] = odd).contains("neither"));
    }
    assert!(
        refused(|entry| _ = entry.as_object_mut().unwrap().remove("resources"))
            .contains("resources")
    );
    assert!(refused(|entry| entry["resources"] = json!([])).contains("has no SKILL.md"));
}

#[test]
fn a_file_that_breaks_a_rule_is_refused_and_says_which() {
    assert!(refused(|entry| entry["resources"][1]["digest"] = json!("sha256:12")).contains("[1]"));
    assert!(refused(|entry| entry["resources"][1]["size"] = json!(-1)).contains("[1]"));
    let twice = |entry: &mut Value| entry["resources"][1] = entry["resources"][0].clone();
    assert!(refused(twice).contains("twice"));
    for outside in
        ["skill://acme/other/a.md", "skill://acme/refunds/../other/a.md", "skill://acme/refunds/"]
    {
        assert!(refused(|entry| entry["resources"][1]["uri"] = json!(outside)).contains("not in"));
    }
}

#[test]
fn a_consent_is_bound_to_every_file() {
    let digest = |entry: Value| serde_json::from_value::<Skill>(entry).unwrap().content_digest();
    let mut turned = entry();
    turned["resources"].as_array_mut().unwrap().reverse();
    assert_eq!(digest(entry()), digest(turned));
    let mut changed = entry();
    changed["resources"][1]["digest"] = json!(DIGEST.replace("ba78", "ba79"));
    assert_ne!(digest(entry()), digest(changed));
    let mut less = entry();
    less["resources"].as_array_mut().unwrap().pop();
    assert_ne!(digest(entry()), digest(less));
}

#[test]
fn what_leads_out_of_a_folder_is_not_inside() {
    for inside in ["a/b", "a/b/c", "a/..b", "a/100%.md", "a/b%20c", "a/é%c3%a9", "a/b c: d"] {
        assert!(is_inside("a/", inside), "{inside}");
    }
    for outside in ["a", "a/", "ab", "b", "a/../b", "a/./b", "a//b", "a/b/.."] {
        assert!(!is_inside("a/", outside), "{outside}");
    }
    // What would lead out of the folder once decoded, or on another platform.
    for outside in [
        "a/%2e%2e/b",
        "a/.%2E/b",
        "a/b/%2e",
        "a/..%2fb",
        "a/b%2F..%2F..%2Fc",
        "a/..\\b",
        "a/b%5c..%5C..\\c",
        "a/b\0",
        "a/b%00.md",
        "a/b\n",
        "a/C:x",
        "a/c%3a/x",
        "a/b/D:",
    ] {
        assert!(!is_inside("a/", outside), "{outside}");
    }
}
