//! A FastMCP server of skills whose files change.

use crate::run::{command, within_deadline};
use conformance::peers;
use mcp_client::{
    Client, Content,
    skills::{LoadedSkill, SkillError},
};
use std::{fs, path::PathBuf};
use tempfile::TempDir;

const SKILL: &str = "skill://pdf-processing/SKILL.md";
const FORMS: &str = "references/FORMS.md";

/// A folder with a copy of the skill.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        for file in ["SKILL.md", FORMS] {
            let original = peers::skills().join("pdf-processing").join(file);
            let copy = folder.path(file);
            fs::create_dir_all(copy.parent().unwrap()).unwrap();
            fs::copy(original, copy).unwrap();
        }
        folder
    }

    fn path(&self, file: &str) -> PathBuf {
        self.0.path().join("pdf-processing").join(file)
    }

    fn change(&self, file: &str, from: &str, to: &str) {
        let text = fs::read_to_string(self.path(file)).unwrap();
        assert!(text.contains(from), "{text}");
        fs::write(self.path(file), text.replace(from, to)).unwrap();
    }

    fn client(&self) -> Option<Client> {
        let program = peers::or_skip(peers::skills_stdio(self.0.path()))?;
        Some(Client::new(command(program)))
    }
}

#[test]
fn a_skill_is_listed_loaded_and_read() {
    let folder = Folder::new();
    let Some(client) = folder.client() else { return };
    within_deadline(async {
        let client = client.connect().await.unwrap();
        let skills = client.list_skills().await.unwrap();
        assert_eq!(skills.len(), 1);
        assert_eq!((skills[0].name(), skills[0].uri()), ("pdf-processing", SKILL));
        assert_eq!(client.get_skill(SKILL).await.unwrap(), skills[0]);

        // The server reads YAML 1.1, where `no` is a boolean.
        assert_eq!(skills[0].front_matter()["com.example"]["draft"], false);
        let skill = client.load_skill(&skills[0]).await.unwrap();
        assert!(skill.instructions().starts_with("# PDF processing\n"), "{}", skill.text());
        let forms = skill.read(FORMS).await.unwrap();
        assert_eq!(forms.as_text(), Some("# Forms\n\nÜber forms.\n"));
        assert!(client.get_skill("skill://other/SKILL.md").await.unwrap_err().as_rpc().is_some());
        client.close().await;
    });
}

#[test]
fn a_skill_that_changed_is_refused_until_its_entry_is_got_again() {
    let folder = Folder::new();
    let Some(client) = folder.client() else { return };
    within_deadline(async {
        let client = client.connect().await.unwrap();
        let old = client.get_skill(SKILL).await.unwrap();
        let skill = client.load_skill(&old).await.unwrap();

        folder.change(FORMS, "forms", "norms");
        folder.change("SKILL.md", "See", "Sea");
        fs::write(folder.path("references/NEW.md"), "new").unwrap();
        assert!(is_changed(skill.read(FORMS).await));
        assert!(is_changed(skill.read("references/NEW.md").await));
        assert!(is_changed(client.load_skill(&old).await));

        let new = client.get_skill(SKILL).await.unwrap();
        assert_ne!(new.content_digest(), old.content_digest());
        let skill: LoadedSkill = client.load_skill(&new).await.unwrap();
        let forms = skill.read(FORMS).await.unwrap();
        assert_eq!(forms.as_text(), Some("# Forms\n\nÜber norms.\n"));
        skill.read("references/NEW.md").await.unwrap();
        client.close().await;
    });
}

fn is_changed<T>(outcome: Result<T, SkillError>) -> bool {
    outcome.is_err_and(|error| error.is_mismatch())
}
