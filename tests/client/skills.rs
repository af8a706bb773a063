//! Skills: what is read, what is compared, and what is refused.

use crate::{connect, deadline, params};
use conformance::in_process::{Asked, InProcess, Outcome};
use mcp_client::{
    Connection, Content, Error,
    skills::{EXTENSION, MAX_BYTES, MAX_FILES, Skill, SkillError},
};
use mcp_types::{ErrorCode, ErrorObject, ProtocolVersion};
use serde_json::{Value, json};

const SKILL: &str = "skill://acme/pdf/SKILL.md";
const FORMS: &str = "skill://acme/pdf/references/FORMS.md";
const SKILL_TEXT: &str = "---\nname: pdf\ndescription: Fills forms\nversion: 1.0\n---\n# PDF\n\nSee references/FORMS.md.\n";
const FORMS_TEXT: &str = "Forms: é";

/// The digests of both, computed by another tool.
const SKILL_DIGEST: &str =
    "sha256:fabd60c5194df5fae5dcb0d3e0f46c35f2aeaae2894ac97ea7cdd7aa2f4361c4";
const FORMS_DIGEST: &str =
    "sha256:9cf85322ca86c2064e2d4ebd1a8e090ae981799c08e87bbe74ff8a57dd3bb25a";

fn entry() -> Value {
    json!({
        "uri": SKILL,
        "frontmatter": {"name": "pdf", "description": "Fills forms", "version": 1},
        "resources": [
            {"uri": SKILL, "digest": SKILL_DIGEST, "size": SKILL_TEXT.len()},
            {"uri": FORMS, "digest": FORMS_DIGEST, "size": FORMS_TEXT.len()},
        ],
    })
}

/// The contents of a server.
#[derive(Clone)]
struct Shelf {
    entry: Value,
    skill: Value,
    forms: Value,
}

impl Default for Shelf {
    fn default() -> Self {
        Self {
            entry: entry(),
            skill: json!({"uri": SKILL, "text": SKILL_TEXT, "mimeType": "text/markdown"}),
            forms: json!({"uri": FORMS, "text": FORMS_TEXT}),
        }
    }
}

impl Shelf {
    fn answer(&self, asked: &Asked) -> Outcome {
        let uri = &asked.params["uri"];
        Ok(match &*asked.method {
            "skills/list" => json!({"resultType": "complete", "skills": [self.entry], "ttlMs": 0}),
            "skills/get" if uri == SKILL => json!({"resultType": "complete", "skill": self.entry}),
            "resources/read" if uri == SKILL => json!({"contents": [self.skill]}),
            "resources/read" if uri == FORMS => json!({"contents": [self.forms]}),
            "resources/read" => json!({"contents": [{"uri": uri, "text": "more"}]}),
            _ => return Err(ErrorObject::new(ErrorCode::INVALID_PARAMS, "no such thing")),
        })
    }

    fn serve(self) -> InProcess {
        let shelf = self;
        offering(EXTENSION, move |asked| shelf.answer(asked))
    }
}

fn offering(
    extension: &str,
    answer: impl Fn(&Asked) -> Outcome + Send + Sync + 'static,
) -> InProcess {
    let capabilities = json!({"resources": {}, "extensions": {extension: {}}});
    InProcess::new(ProtocolVersion::LATEST, capabilities, move |asked: Asked| {
        std::future::ready(answer(&asked))
    })
}

/// Returns the URIs that were read, in order.
fn read(server: &InProcess) -> Vec<Value> {
    server.sent("resources/read").iter().map(|request| request["params"]["uri"].clone()).collect()
}

async fn only_skill(client: &Connection) -> Skill {
    deadline(client.list_skills()).await.unwrap().remove(0)
}

#[tokio::test]
async fn listing_reads_no_file_and_loading_reads_one() {
    let server = Shelf::default().serve();
    let client = connect(&server).await;
    let entry = only_skill(&client).await;
    assert_eq!((entry.name(), entry.description()), ("pdf", "Fills forms"));
    assert_eq!(deadline(client.get_skill(SKILL)).await.unwrap(), entry);
    assert_eq!(read(&server), [""; 0]);

    let skill = deadline(client.load_skill(&entry)).await.unwrap();
    assert_eq!(skill.text(), SKILL_TEXT);
    assert_eq!(skill.instructions(), "# PDF\n\nSee references/FORMS.md.\n");
    assert_eq!(read(&server), [SKILL]);

    let forms = deadline(skill.read("references/FORMS.md")).await.unwrap();
    assert_eq!(forms.as_text(), Some(FORMS_TEXT));
    deadline(skill.read(FORMS)).await.unwrap();
    assert_eq!(read(&server), [SKILL, FORMS, FORMS]);
}

#[tokio::test]
async fn a_file_of_bytes_is_verified_by_its_bytes() {
    let forms = json!({"uri": FORMS, "blob": "Rm9ybXM6IMOp"});
    let mut shelf = Shelf { forms, ..Shelf::default() };
    let client = connect(&shelf.clone().serve()).await;
    let skill = deadline(client.load_skill(&only_skill(&client).await)).await.unwrap();
    let forms = deadline(skill.read(FORMS)).await.unwrap();
    assert_eq!(forms.bytes().unwrap().unwrap(), FORMS_TEXT.as_bytes());

    shelf.forms = json!({"uri": FORMS, "blob": "?"});
    let client = connect(&shelf.serve()).await;
    let skill = deadline(client.load_skill(&only_skill(&client).await)).await.unwrap();
    let error = deadline(skill.read(FORMS)).await.unwrap_err();
    assert!(matches!(&error, SkillError::Encoding { file, .. } if &**file == FORMS), "{error:?}");
}

/// Tries to load the skill of a shelf; nothing but its `SKILL.md` may be read.
async fn refusal(shelf: Shelf) -> SkillError {
    let server = shelf.serve();
    let client = connect(&server).await;
    let error = deadline(client.load_skill(&only_skill(&client).await)).await.unwrap_err();
    assert_eq!(read(&server), [SKILL]);
    assert!(error.is_mismatch(), "{error:?}");
    error
}

#[tokio::test]
async fn a_skill_of_other_bytes_is_refused() {
    let mut shelf = Shelf::default();
    shelf.skill["text"] = SKILL_TEXT.replace("# PDF", "# BAD").into();
    let error = refusal(shelf).await.to_string();
    assert!(error.starts_with(&format!("{SKILL:?} has the digest sha256:")), "{error}");
    assert!(error.ends_with(SKILL_DIGEST), "{error}");
}

#[tokio::test]
async fn a_skill_of_another_size_is_refused() {
    let mut shelf = Shelf::default();
    shelf.skill["text"] = format!("{SKILL_TEXT}more").into();
    let (found, expected) = (SKILL_TEXT.len() + 4, SKILL_TEXT.len());
    let message = format!("{SKILL:?} has {found} bytes instead of {expected}");
    assert_eq!(refusal(shelf).await.to_string(), message);
}

#[tokio::test]
async fn a_skill_with_other_front_matter_than_its_entry_is_refused() {
    for (field, value) in [
        ("description", json!("Fills forms, and more")),
        ("version", json!("1.0")),
        ("license", json!("MIT")),
    ] {
        let mut shelf = Shelf::default();
        shelf.entry["frontmatter"][field] = value;
        let message = format!(
            "the front matter of {SKILL:?} has another {field:?} than the entry of the skill"
        );
        assert_eq!(refusal(shelf).await.to_string(), message);
    }
}

#[tokio::test]
async fn a_file_of_other_bytes_is_not_given_out() {
    let mut shelf = Shelf::default();
    shelf.forms["text"] = "Forms: e.".into();
    let client = connect(&shelf.serve()).await;
    let skill = deadline(client.load_skill(&only_skill(&client).await)).await.unwrap();
    let error = deadline(skill.read(FORMS)).await.unwrap_err();
    assert!(matches!(&error, SkillError::Digest { file, .. } if &**file == FORMS), "{error:?}");
}

#[tokio::test]
async fn what_is_no_file_of_the_skill_is_not_asked_for() {
    let server = Shelf::default().serve();
    let client = connect(&server).await;
    let skill = deadline(client.load_skill(&only_skill(&client).await)).await.unwrap();
    for file in
        ["references/NEW.md", "../other/SKILL.md", "https://example.com/x", "skill://other/x"]
    {
        let error = deadline(skill.read(file)).await.unwrap_err();
        assert!(matches!(error, SkillError::NotListed { .. }), "{error:?}");
        assert!(error.is_mismatch());
    }
    assert_eq!(read(&server), [SKILL]);
}

#[tokio::test]
async fn a_file_is_one_content() {
    let two =
        json!({"contents": [{"uri": SKILL, "text": SKILL_TEXT}, {"uri": SKILL, "text": "x"}]});
    for (contents, found) in [(json!({"contents": []}), 0), (two, 2)] {
        let shelf = Shelf::default();
        let server = offering(EXTENSION, move |asked| {
            if asked.method == "resources/read" {
                Ok(contents.clone())
            } else {
                shelf.answer(asked)
            }
        });
        let client = connect(&server).await;
        let error = deadline(client.load_skill(&only_skill(&client).await)).await.unwrap_err();
        assert!(matches!(error, SkillError::NoContent { contents, .. } if contents == found));
    }
}

#[tokio::test]
async fn a_skill_made_anew_for_each_read_is_loaded_only_where_that_is_allowed() {
    let mut shelf = Shelf::default();
    shelf.entry["resources"] = json!("dynamic");
    shelf.forms["text"] = "other".into();
    let server = shelf.clone().serve();
    let client = connect(&server).await;
    let entry = only_skill(&client).await;
    let error = deadline(client.load_skill(&entry)).await.unwrap_err();
    assert!(matches!(error, SkillError::Dynamic { .. }), "{error:?}");
    assert_eq!(read(&server), [""; 0]);

    let skill = deadline(client.load_skill(&entry).allow_dynamic()).await.unwrap();
    assert_eq!(deadline(skill.read("a/b.md")).await.unwrap().as_text(), Some("more"));
    assert_eq!(deadline(skill.read(FORMS)).await.unwrap().as_text(), Some("other"));
    let error = deadline(skill.read("skill://acme/other/a.md")).await.unwrap_err();
    assert!(matches!(error, SkillError::NotListed { .. }), "{error:?}");

    shelf.entry["frontmatter"]["description"] = "other".into();
    let client = connect(&shelf.serve()).await;
    let entry = only_skill(&client).await;
    let error = deadline(client.load_skill(&entry).allow_dynamic()).await.unwrap_err();
    assert!(matches!(error, SkillError::FrontMatter { .. }), "{error:?}");
}

#[tokio::test]
async fn a_skill_made_anew_for_each_read_has_a_limit_in_all() {
    let mut shelf = Shelf::default();
    shelf.entry["resources"] = json!("dynamic");
    shelf.forms["text"] = "x".repeat(usize::try_from(MAX_BYTES / 2).unwrap()).into();
    let client = connect(&shelf.serve()).await;
    let entry = only_skill(&client).await;
    let skill = deadline(client.load_skill(&entry).allow_dynamic()).await.unwrap();
    deadline(skill.read(FORMS)).await.unwrap();
    let error = deadline(skill.clone().read(FORMS)).await.unwrap_err();
    assert!(matches!(error, SkillError::TooLarge { .. }), "{error:?}");
}

#[tokio::test]
async fn a_skill_beyond_a_limit_is_not_read() {
    let file = |name: String, size: u64| json!({"uri": format!("skill://acme/pdf/{name}"), "digest": SKILL_DIGEST, "size": size});
    let large = vec![file("SKILL.md".to_owned(), 1), file("x".to_owned(), MAX_BYTES)];
    let mut many = vec![file("SKILL.md".to_owned(), 1)];
    many.extend((0..MAX_FILES).map(|number| file(number.to_string(), 1)));
    for files in [large, many] {
        let count = files.len();
        let mut shelf = Shelf::default();
        shelf.entry["resources"] = files.into();
        let server = shelf.serve();
        let client = connect(&server).await;
        let error = deadline(client.load_skill(&only_skill(&client).await)).await.unwrap_err();
        assert!(matches!(error, SkillError::TooLarge { files, .. } if files == count), "{error:?}");
        assert!(!error.is_mismatch());
        assert_eq!(read(&server), [""; 0]);
    }
}

#[tokio::test]
async fn one_broken_entry_does_not_hide_the_others_and_pages_are_joined() {
    let server = offering(EXTENSION, |asked| {
        Ok(match asked.params["cursor"].as_str() {
            None => json!({"skills": [{"uri": SKILL}, entry()], "nextCursor": "2"}),
            Some(_) => json!({"skills": [entry()]}),
        })
    });
    let client = connect(&server).await;
    assert_eq!(deadline(client.list_skills()).await.unwrap().len(), 2);
    let page = deadline(client.list_skills_page(None)).await.unwrap();
    assert_eq!((page.skills.len(), page.next_cursor.as_deref()), (1, Some("2")));
    assert!(page.skills.broken()[0].reason.contains("frontmatter"), "{:?}", page.skills.broken());
    let sent: Vec<_> = server.sent("skills/list").iter().map(params).collect();
    assert_eq!(sent, [json!({}), json!({"cursor": "2"}), json!({})]);
}

#[tokio::test]
async fn the_entry_of_another_skill_is_not_taken() {
    let server = Shelf::default().serve();
    let client = connect(&server).await;
    let error = deadline(client.get_skill("skill://other/SKILL.md")).await.unwrap_err();
    assert_eq!(error.as_rpc().unwrap().code, ErrorCode::INVALID_PARAMS);

    let server = offering(EXTENSION, |_| Ok(json!({"skill": entry()})));
    let client = connect(&server).await;
    let error = deadline(client.get_skill("skill://other/SKILL.md")).await.unwrap_err();
    assert!(matches!(error, Error::Decode { .. }), "{error:?}");
    let error = deadline(client.get_skill("no uri")).await.unwrap_err();
    assert!(matches!(error, Error::InvalidParams(_)), "{error:?}");
}

// spec: VER-14
#[tokio::test]
async fn a_server_that_has_not_declared_skills_is_not_asked() {
    let server = offering("com.example/other", |_| Ok(json!({"skills": []})));
    let client = connect(&server).await;
    let error = deadline(client.list_skills()).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "skills/list cannot be called: the server did not offer the capability \"io.modelcontextprotocol/skills\""
    );
    for error in [
        deadline(client.list_skills_page(None)).await.unwrap_err(),
        deadline(client.get_skill(SKILL)).await.unwrap_err(),
    ] {
        assert!(matches!(error, Error::NotOffered { .. }), "{error:?}");
    }
    assert_eq!(server.sent("skills/list").len() + server.sent("skills/get").len(), 0);
}

#[tokio::test]
async fn a_server_with_a_handshake_may_have_skills_too() {
    let shelf = Shelf::default();
    let capabilities = json!({"resources": {}, "extensions": {EXTENSION: {}}});
    let server =
        InProcess::new(ProtocolVersion::LATEST_LEGACY, capabilities, move |asked: Asked| {
            std::future::ready(shelf.answer(&asked))
        });
    let client = connect(&server).await;
    let skill = deadline(client.load_skill(&only_skill(&client).await)).await.unwrap();
    assert_eq!(skill.skill().uri(), SKILL);
}
