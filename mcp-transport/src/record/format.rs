//! The text form of entries.

use super::entry::{Entry, Event, Failure};
use crate::{Binding, Delivery, error::Kind};
use http::StatusCode;
use mcp_types::{
    ErrorObject, RawJson,
    rpc::{Members, Message},
};
use std::{borrow::Cow, time::Duration};

/// The version of the format.
const VERSION: u64 = 1;
/// The member of the first line that holds the version.
const HEADER: &str = "mcp-transcript";
/// The error of a first line without it.
pub(super) const NO_HEADER: &str = "not the header `{\"mcp-transcript\":1}`";

/// An entry as parsed. Parts that are not decoded yet are JSON text.
#[derive(Default)]
struct Line<'a> {
    at: u64,
    connection: u64,
    dir: Option<Dir>,
    call: Option<u64>,
    event: Option<Cow<'a, str>>,
    binding: Option<Cow<'a, str>>,
    failure: Option<&'a str>,
    count: Option<u64>,
    message: Option<&'a str>,
}

#[derive(Clone, Copy)]
enum Dir {
    FromClient,
    ToClient,
}

const FROM_CLIENT: &str = ">";
const TO_CLIENT: &str = "<";

/// Why a line is not part of a transcript.
#[derive(Debug)]
pub(super) enum BadLine {
    /// Its members are wrong.
    Shape(&'static str),
    /// It is not JSON, or its members have the wrong types.
    Json(serde_json::Error),
    /// Its message is invalid.
    Message(mcp_types::rpc::DecodeError),
    /// A later version of the format.
    Version(u64),
}

impl From<serde_json::Error> for BadLine {
    fn from(error: serde_json::Error) -> Self {
        Self::Json(error)
    }
}

pub(super) fn header() -> String {
    Object::default().number(HEADER, VERSION).end()
}

/// Checks the first line.
pub(super) fn read_header(line: &str) -> Result<(), BadLine> {
    let header = RawJson::parse(line.to_owned())?;
    match header.find(&[HEADER]).and_then(|version| version.parse().ok()) {
        Some(VERSION) => Ok(()),
        Some(version) => Err(BadLine::Version(version)),
        None => Err(BadLine::Shape(NO_HEADER)),
    }
}

/// Writes an entry as a line, without a line end.
pub(super) fn line(entry: &Entry) -> String {
    let at = u64::try_from(entry.at.as_millis()).unwrap_or(u64::MAX);
    let line = Object::default().number("at", at).number("connection", entry.connection);
    let line = match &entry.event {
        Event::Connected { binding } => {
            line.text("event", "connected").text("binding", binding_name(*binding))
        }
        Event::NotConnected { failure } => {
            line.text("event", "not-connected").member("failure", &failure_form(failure))
        }
        Event::Sent { call, message } => {
            line.text("dir", FROM_CLIENT).number("call", *call).message(message)
        }
        Event::Received { call, message } => {
            let line = line.text("dir", TO_CLIENT);
            match call {
                Some(call) => line.number("call", *call).message(message),
                None => line.message(message),
            }
        }
        Event::Failed { call, failure } => {
            let line = line.text("dir", TO_CLIENT).number("call", *call).text("event", "failed");
            line.member("failure", &failure_form(failure))
        }
        Event::Ended { call } => {
            line.text("dir", TO_CLIENT).number("call", *call).text("event", "ended")
        }
        Event::Abandoned { call } => {
            line.text("dir", FROM_CLIENT).number("call", *call).text("event", "abandoned")
        }
        Event::Lost { count } => line.text("event", "lost").number("count", *count),
    };
    line.end()
}

/// Reads an entry; none if this version does not know its event.
pub(super) fn read_line(text: &str) -> Result<Option<Entry>, BadLine> {
    let raw = RawJson::parse(text.to_owned())?;
    let line = Line::read(&raw)?;
    let call = || line.call.ok_or(BadLine::Shape("entry has no `call`"));
    let failure = || read_failure(line.failure.ok_or(BadLine::Shape("entry has no `failure`"))?);
    let event = match (line.event.as_deref(), line.dir, line.message) {
        (None, Some(dir), Some(message)) => {
            let message = Message::decode(&raw.share(message)).map_err(BadLine::Message)?;
            match dir {
                Dir::FromClient => Event::Sent { call: call()?, message },
                Dir::ToClient => Event::Received { call: line.call, message },
            }
        }
        (None, ..) => {
            return Err(BadLine::Shape(
                "entry has neither an `event` nor a `message` with its `dir`",
            ));
        }
        (Some("connected"), ..) => Event::Connected { binding: binding(line.binding.as_deref())? },
        (Some("not-connected"), ..) => Event::NotConnected { failure: failure()? },
        (Some("failed"), ..) => Event::Failed { call: call()?, failure: failure()? },
        (Some("ended"), ..) => Event::Ended { call: call()? },
        (Some("abandoned"), ..) => Event::Abandoned { call: call()? },
        (Some("lost"), ..) => Event::Lost { count: line.count.unwrap_or_default() },
        (Some(_), ..) => return Ok(None),
    };
    Ok(Some(Entry::new(Duration::from_millis(line.at), line.connection, event)))
}

impl<'a> Line<'a> {
    fn read(raw: &'a RawJson) -> Result<Self, BadLine> {
        if !raw.as_str().starts_with('{') {
            return Err(BadLine::Shape("not an entry"));
        }
        let mut line = Self::default();
        for (key, value) in raw.members().filter(|(_, value)| *value != "null") {
            match &*key {
                "at" => line.at = number(value)?,
                "connection" => line.connection = number(value)?,
                "dir" => line.dir = Some(dir(value)?),
                "call" => line.call = Some(number(value)?),
                "event" => line.event = Some(string(value)?),
                "binding" => line.binding = Some(string(value)?),
                "failure" => line.failure = Some(value),
                "count" => line.count = Some(number(value)?),
                "message" => line.message = Some(value),
                _ => {}
            }
        }
        Ok(line)
    }
}

fn number(value: &str) -> Result<u64, BadLine> {
    value.parse().map_err(|_| BadLine::Shape("entry has something else where a number should be"))
}

fn string(value: &str) -> Result<Cow<'_, str>, BadLine> {
    let bad = BadLine::Shape("entry has something else where a string should be");
    RawJson::read_str(value).ok_or(bad)
}

fn dir(value: &str) -> Result<Dir, BadLine> {
    match &*string(value)? {
        FROM_CLIENT => Ok(Dir::FromClient),
        TO_CLIENT => Ok(Dir::ToClient),
        _ => Err(BadLine::Shape("entry has no `dir` that is known")),
    }
}

/// An object written member by member, because derived types would be much more to compile.
#[derive(Default)]
struct Object(Vec<u8>);

impl Object {
    /// Adds a member whose value is JSON.
    fn member(mut self, name: &str, value: &[u8]) -> Self {
        self.0.extend_from_slice(if self.0.is_empty() { b"{\"" } else { b",\"" });
        self.0.extend_from_slice(name.as_bytes());
        self.0.extend_from_slice(b"\":");
        self.0.extend_from_slice(value);
        self
    }

    fn number(self, name: &str, value: u64) -> Self {
        self.member(name, value.to_string().as_bytes())
    }

    fn text(self, name: &str, value: &str) -> Self {
        let mut text = Vec::new();
        RawJson::append_str(value, &mut text);
        self.member(name, &text)
    }

    fn message(self, message: &Message) -> Self {
        let mut text = Vec::new();
        crate::serve::encode::one_line(message, &mut text);
        self.member("message", &text)
    }

    /// Everything written here is UTF-8.
    fn end(mut self) -> String {
        self.0.push(b'}');
        String::from_utf8(self.0).unwrap_or_default()
    }
}

fn binding_name(binding: Binding) -> &'static str {
    match binding {
        Binding::ByteStream => "byte-stream",
        Binding::Http => "http",
        Binding::InProcess => "in-process",
    }
}

fn binding(name: Option<&str>) -> Result<Binding, BadLine> {
    let all = [Binding::ByteStream, Binding::Http, Binding::InProcess];
    let found = all.into_iter().find(|binding| name == Some(binding_name(*binding)));
    found.ok_or(BadLine::Shape("entry has no `binding` that is known"))
}

const KINDS: &[(&str, Kind)] = &[
    ("closed", Kind::Closed),
    ("connect", Kind::Connect),
    ("io", Kind::Io),
    ("malformed", Kind::Malformed),
    ("overflow", Kind::Overflow),
    #[cfg(feature = "http")]
    ("status", Kind::Status),
    ("timeout", Kind::Timeout),
    ("too-large", Kind::TooLarge),
];

const DELIVERIES: [(&str, Delivery); 3] = [
    ("not-sent", Delivery::NotSent),
    ("unknown", Delivery::Unknown),
    ("delivered", Delivery::Delivered),
];

/// Encodes a failure.
fn failure_form(failure: &Failure) -> Vec<u8> {
    let kind = KINDS.iter().find(|(_, kind)| *kind == failure.kind);
    let delivery = DELIVERIES.iter().find(|(_, delivery)| *delivery == failure.delivery);
    let mut form = Object::default()
        .text("message", &failure.message)
        .text("kind", kind.map_or("other", |(name, _)| name))
        .text("delivery", delivery.map_or("unknown", |(name, _)| name));
    if let Some(status) = failure.status {
        form = form.number("status", status.as_u16().into());
    }
    if let Some(error) = &failure.error {
        let mut text = Vec::new();
        error.encode(&mut text);
        form = form.member("error", &text);
    }
    form.end().into_bytes()
}

fn read_failure(form: &str) -> Result<Failure, BadLine> {
    let (mut message, mut kind, mut delivery) = (None, None, None);
    let (mut status, mut error) = (None, None);
    for (key, value) in Members::of(form).filter(|(_, value)| *value != "null") {
        match &*key {
            "message" => message = Some(string(value)?.into_owned()),
            "kind" => kind = Some(string(value)?),
            "delivery" => {
                let name = string(value)?;
                delivery = DELIVERIES.iter().find(|(known, _)| *known == name);
            }
            "status" => status = Some(value),
            "error" => error = Some(ErrorObject::from_json(value)?),
            _ => {}
        }
    }
    let status = status.map(|status| StatusCode::from_bytes(status.as_bytes())).transpose();
    let kind = kind.ok_or(BadLine::Shape("failure has no `kind`"))?;
    // Kinds that this build does not have count as unnamed ones.
    let kind = KINDS.iter().find(|(name, _)| *name == kind);
    Ok(Failure {
        message: message.ok_or(BadLine::Shape("failure has no `message`"))?,
        delivery: delivery.ok_or(BadLine::Shape("failure has no `delivery` that is known"))?.1,
        status: status.map_err(|_| BadLine::Shape("failure has no valid `status`"))?,
        error,
        kind: kind.map_or(Kind::Other, |(_, kind)| *kind),
    })
}
