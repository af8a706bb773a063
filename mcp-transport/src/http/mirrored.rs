//! Finding the members of raw parameters that headers mirror.

use mcp_types::{
    ProtocolVersion, RawJson, keys,
    rpc::{Message, Request},
};
use std::{borrow::Cow, sync::OnceLock};

/// How parameters begin whose first member is `_meta`.
const START: &[u8] = br#"{"_meta":{"#;
/// Where that `_meta` begins.
const META: usize = START.len() - 1;

/// How many variants of `_meta` are remembered.
const MOST_KNOWN: usize = 4;
/// The longest `_meta` that is remembered, in bytes.
const MAX_KNOWN: usize = 4096;

/// The member that differs with each message.
const TOKEN: &[u8] = br#""progressToken":"#;

/// The `_meta` of earlier messages, without the progress token at its end. Those of a session are mostly the same, and
/// then they need not be parsed again.
///
/// The first few variants are kept for good, so that reading them takes no lock.
#[derive(Debug, Default)]
pub(super) struct Familiar([OnceLock<Known>; MOST_KNOWN]);

#[derive(Debug)]
struct Known {
    /// The parameters up to what [`meta_rest`] takes.
    text: Box<[u8]>,
    version: Option<ProtocolVersion>,
}

impl Familiar {
    /// Returns the revision that these parameters name and where their `_meta` ends, if that variant is known.
    fn recognize(&self, params: &[u8]) -> Option<(Option<ProtocolVersion>, usize)> {
        self.0.iter().map_while(OnceLock::get).find_map(|known| {
            let rest = meta_rest(params.strip_prefix(&*known.text)?)?;
            Some((known.version.clone(), known.text.len() + rest))
        })
    }

    /// Remembers parameters, given the text up to the end of `_meta`, if there is room.
    fn remember(&self, text: &[u8], version: Option<&ProtocolVersion>) {
        let Some(free) = self.0.iter().find(|known| known.get().is_none()) else { return };
        let before_token = memchr::memmem::find(text, TOKEN).and_then(|at| text.get(..at));
        let Some(same) = before_token.or_else(|| text.strip_suffix(b"}")) else { return };
        let same = same.strip_suffix(b",").unwrap_or(same);
        let is_all = meta_rest(&text[same.len()..]) == Some(text.len() - same.len());
        if is_all && same.len() <= MAX_KNOWN {
            // Another thread may have been faster; then a later message is remembered.
            let _ = free.set(Known { text: same.into(), version: version.cloned() });
        }
    }
}

/// Returns where `_meta` ends, if nothing but a progress token is left in it.
fn meta_rest(text: &[u8]) -> Option<usize> {
    let member = text.strip_prefix(b",").unwrap_or(text);
    let Some(token) = member.strip_prefix(TOKEN) else {
        return text.starts_with(b"}").then_some(1);
    };
    let length = match token.strip_prefix(b"\"") {
        Some(token) => token.iter().position(|byte| matches!(byte, b'"' | b'\\'))? + 2,
        None => token.iter().position(|byte| !byte.is_ascii_digit())?,
    };
    (token.get(length) == Some(&b'}')).then(|| text.len() - token.len() + length + 1)
}

/// The members of a message's parameters that headers mirror.
#[derive(Debug)]
pub(super) struct Mirrored<'a> {
    params: Option<&'a RawJson>,
    version: Option<ProtocolVersion>,
    /// Where `_meta` ends, if the parameters begin with it.
    meta_end: Option<usize>,
}

impl<'a> Mirrored<'a> {
    /// Reads them from a message. What cannot be parsed is not mirrored: the server reports what is wrong with it.
    pub(super) fn of(message: &'a Message, familiar: &Familiar) -> Self {
        let params = match message {
            Message::Request(request) => request.params.as_ref(),
            Message::Notification(notification) => notification.params.as_ref(),
            Message::Response(_) => None,
        };
        let Some(raw) = params else { return Self { params, version: None, meta_end: None } };
        if let Some((version, end)) = familiar.recognize(raw.beginning()) {
            return Self { params, version, meta_end: Some(end) };
        }
        let version = raw.find(&["_meta", keys::PROTOCOL_VERSION]).and_then(RawJson::read_str);
        let version = version.map(|version| ProtocolVersion::from(&*version));
        let meta = raw.beginning().starts_with(START).then(|| raw.find(&["_meta"])).flatten();
        let meta_end = meta.map(|meta| META + meta.len());
        if let Some(known) = meta_end.and_then(|end| raw.beginning().get(..end)) {
            familiar.remember(known, version.as_ref());
        }
        Self { params, version, meta_end }
    }

    /// Returns the revision that `_meta` names.
    pub(super) fn version(&self) -> Option<&ProtocolVersion> {
        self.version.as_ref()
    }

    /// Returns the subject of the request: the value of `Mcp-Name`.
    pub(super) fn subject(&self, request: &Request) -> Option<Cow<'a, str>> {
        let member = match &*request.method {
            "tools/call" | "prompts/get" => "name",
            "resources/read" => "uri",
            "tasks/get" | "tasks/update" | "tasks/cancel" => "taskId",
            _ => return None,
        };
        let params = self.params?;
        let subject = match self.meta_end {
            Some(end) => params.find_after(end, member),
            None => params.find(&[member]),
        };
        subject.and_then(RawJson::read_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(params: &str) -> Message {
        let params = RawJson::parse(params.to_owned()).unwrap();
        Request::new(1, "tools/call").with_params(params).into()
    }

    /// Reads the version and the subject.
    fn read(familiar: &Familiar, params: &str) -> (Option<String>, Option<String>) {
        let message = request(params);
        let mirrored = Mirrored::of(&message, familiar);
        let Message::Request(request) = &message else { unreachable!() };
        let version = mirrored.version().map(|version| version.as_str().to_owned());
        (version, mirrored.subject(request).map(Cow::into_owned))
    }

    fn meta(version: &str) -> String {
        format!(r#""_meta":{{"io.modelcontextprotocol/protocolVersion":"{version}"}}"#)
    }

    /// Builds the `_meta` of a call that asks for progress.
    fn told(token: &str) -> String {
        meta("2026-07-28").replace('}', &format!(r#","progressToken":{token}}}"#))
    }

    // spec: HDR-01 HDR-03
    #[test]
    fn what_is_familiar_is_read_as_what_is_not() {
        let (new, old) = (meta("2026-07-28"), meta("2025-11-25"));
        let familiar = Familiar::default();
        for params in [
            format!(r#"{{{new},"name":"a"}}"#),
            format!(r#"{{{new},"name":"b","arguments":{{{old},"name":"c"}}}}"#),
            format!(r#"{{{new},"x":{{"name":"a"}} , "name" : "d\u0065"}}"#),
            format!(r#"{{{new}}}"#),
            format!(r#"{{{new},{old},"name":"a"}}"#),
            format!(r#"{{{old},"name":"a"}}"#),
            format!(r#"{{{old},"name":5}}"#),
            format!(r#"{{"name":"a",{new}}}"#),
            r#"{"_meta":{},"name":"a"}"#.to_owned(),
            r#"{"_meta":{"progressToken":1},"name":"a"}"#.to_owned(),
            r#"{"_meta":{"progressToken":23},"name":"b"}"#.to_owned(),
            format!(r#"{{{},"name":"a"}}"#, told("1")),
            format!(r#"{{{},"name":"b"}}"#, told("234")),
            format!(r#"{{{},"name":"c"}}"#, told(r#""t}""#)),
            format!(r#"{{{},"name":"d"}}"#, told(r#""t\"}""#)),
            format!(r#"{{{},"name":"e"}}"#, told(&format!("1,{}", &old[9..old.len() - 1]))),
            format!(r#"{{{},"name":"f"}}"#, told("{}")),
            r#"{"_meta":5,"name":"a"}"#.to_owned(),
            r#"{"name":"a"}"#.to_owned(),
            "{}".to_owned(),
            "[]".to_owned(),
        ] {
            let alone = read(&Familiar::default(), &params);
            for _ in 0..2 {
                assert_eq!(read(&familiar, &params), alone, "{params}");
            }
        }
        let read = |params: String| read(&familiar, &params);
        let (version, name) = read(format!(r#"{{{new},"name":"n"}}"#));
        assert_eq!((version.unwrap(), name.unwrap()), ("2026-07-28".to_owned(), "n".to_owned()));
        assert_eq!(read(format!(r#"{{"name":"a",{old}}}"#)).0.unwrap(), "2025-11-25");
    }

    #[test]
    fn a_token_of_progress_makes_no_other_meta() {
        for (first, second) in [
            (told("1"), told("23456")),
            (told("1"), meta("2026-07-28")),
            (meta("2026-07-28"), told(r#""a""#)),
            (r#""_meta":{}"#.to_owned(), r#""_meta":{"progressToken":7}"#.to_owned()),
        ] {
            let (familiar, params) = (Familiar::default(), format!(r#"{{{second},"name":"a"}}"#));
            read(&familiar, &format!(r#"{{{first}}}"#));
            let (_, end) = familiar.recognize(params.as_bytes()).expect(&params);
            assert_eq!(&params[..end], format!("{{{second}"));
        }
    }

    #[test]
    fn what_is_long_or_other_each_time_is_not_remembered() {
        let familiar = Familiar::default();
        let long = format!(r#"{{"_meta":{{"a":"{}"}}}}"#, "x".repeat(MAX_KNOWN));
        let inner = r#"{"_meta":{"a":{"progressToken":1},"b":2}}"#;
        for params in [&*long, inner, r#"{"a":{}}"#] {
            read(&familiar, params);
            assert!(familiar.0[0].get().is_none(), "{params}");
        }
    }

    #[test]
    fn the_first_kinds_are_remembered_and_no_more_than_those() {
        let familiar = Familiar::default();
        let params = |kind: usize| format!(r#"{{"_meta":{{"kind":{kind}}},"name":"a"}}"#);
        for kind in 0..2 * MOST_KNOWN {
            read(&familiar, &params(kind));
        }
        for kind in 0..2 * MOST_KNOWN {
            let is_known = familiar.recognize(params(kind).as_bytes()).is_some();
            assert_eq!(is_known, kind < MOST_KNOWN, "{kind}");
        }
    }
}
