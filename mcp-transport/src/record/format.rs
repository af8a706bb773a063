//! Entries as lines, and back.

use super::entry::{Entry, Event, Failure};
use crate::{Binding, Delivery, error::Kind};
use http::StatusCode;
use mcp_types::{ErrorObject, RawJson, rpc::Message};
use serde::{Deserialize, Serialize};
use std::{borrow::Cow, time::Duration};

/// The version of the format.
const VERSION: u64 = 1;

/// The first line.
#[derive(Deserialize, Serialize)]
struct Header {
    #[serde(rename = "mcp-transcript")]
    version: u64,
}

/// An entry as it is written.
#[derive(Default, Deserialize, Serialize)]
#[serde(default)]
struct Line {
    at: u64,
    connection: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    dir: Option<Dir>,
    #[serde(skip_serializing_if = "Option::is_none")]
    call: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    event: Option<Cow<'static, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    binding: Option<Cow<'static, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<FailureForm>,
    #[serde(skip_serializing_if = "Option::is_none")]
    count: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<RawJson>,
}

#[derive(Clone, Copy, Deserialize, Serialize)]
enum Dir {
    #[serde(rename = ">")]
    FromClient,
    #[serde(rename = "<")]
    ToClient,
}

#[derive(Deserialize, Serialize)]
struct FailureForm {
    message: String,
    kind: Cow<'static, str>,
    delivery: Cow<'static, str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    error: Option<ErrorObject>,
}

/// Why a line is none of a transcript.
#[derive(Debug)]
pub(super) enum BadLine {
    /// It is not what it has to be.
    Shape(&'static str),
    /// It is not JSON, or its members are of other types.
    Json(serde_json::Error),
    /// Its message is none.
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
    encode(&Header { version: VERSION })
}

/// Checks the first line.
pub(super) fn read_header(line: &str) -> Result<(), BadLine> {
    match serde_json::from_str(line) {
        Ok(Header { version: VERSION }) => Ok(()),
        Ok(Header { version }) => Err(BadLine::Version(version)),
        Err(error) => Err(error.into()),
    }
}

/// An entry as a line, without its end.
pub(super) fn line(entry: &Entry) -> String {
    let at = u64::try_from(entry.at.as_millis()).unwrap_or(u64::MAX);
    let line = Line { at, connection: entry.connection, ..Line::default() };
    encode(&match &entry.event {
        Event::Connected { binding } => {
            Line { event: named("connected"), binding: named(binding_name(*binding)), ..line }
        }
        Event::NotConnected { failure } => {
            Line { event: named("not-connected"), failure: Some(failure.into()), ..line }
        }
        Event::Sent { call, message } => Line {
            dir: Some(Dir::FromClient),
            call: Some(*call),
            message: Some(one_line(message)),
            ..line
        },
        Event::Received { call, message } => {
            Line { dir: Some(Dir::ToClient), call: *call, message: Some(one_line(message)), ..line }
        }
        Event::Failed { call, failure } => Line {
            dir: Some(Dir::ToClient),
            call: Some(*call),
            event: named("failed"),
            failure: Some(failure.into()),
            ..line
        },
        Event::Ended { call } => {
            let dir = Some(Dir::ToClient);
            Line { dir, call: Some(*call), event: named("ended"), ..line }
        }
        Event::Abandoned { call } => {
            let dir = Some(Dir::FromClient);
            Line { dir, call: Some(*call), event: named("abandoned"), ..line }
        }
        Event::Lost { count } => Line { event: named("lost"), count: Some(*count), ..line },
    })
}

/// Reads an entry; none if it is of an event that this version does not know.
pub(super) fn read_line(text: &str) -> Result<Option<Entry>, BadLine> {
    let line: Line = serde_json::from_str(text)?;
    let call = || line.call.ok_or(BadLine::Shape("entry has no `call`"));
    let failure = || {
        let failure = line.failure.as_ref().ok_or(BadLine::Shape("entry has no `failure`"))?;
        Failure::try_from(failure)
    };
    let event = match (line.event.as_deref(), line.dir, &line.message) {
        (None, Some(dir), Some(message)) => {
            let message = Message::decode(&message.clone().into_bytes());
            let message = message.map_err(BadLine::Message)?;
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

/// Nothing that is encoded here has no JSON form.
fn encode(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

fn one_line(message: &Message) -> RawJson {
    let mut bytes = Vec::new();
    crate::serve::encode::one_line(message, &mut bytes);
    RawJson::from_joined(bytes)
}

fn named(name: &'static str) -> Option<Cow<'static, str>> {
    Some(Cow::Borrowed(name))
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

impl From<&Failure> for FailureForm {
    fn from(failure: &Failure) -> Self {
        let kind = KINDS.iter().find(|(_, kind)| *kind == failure.kind);
        let delivery = DELIVERIES.iter().find(|(_, delivery)| *delivery == failure.delivery);
        Self {
            message: failure.message.clone(),
            kind: kind.map_or("other", |(name, _)| name).into(),
            delivery: delivery.map_or("unknown", |(name, _)| name).into(),
            status: failure.status.map(|status| status.as_u16()),
            error: failure.error.clone(),
        }
    }
}

impl TryFrom<&FailureForm> for Failure {
    type Error = BadLine;

    fn try_from(form: &FailureForm) -> Result<Self, BadLine> {
        // Kinds that this build does not have are as good as those without a name.
        let kind = KINDS.iter().find(|(name, _)| *name == form.kind);
        let delivery = DELIVERIES.iter().find(|(name, _)| *name == form.delivery);
        let status = form.status.map(StatusCode::from_u16).transpose();
        Ok(Self {
            message: form.message.clone(),
            delivery: delivery.ok_or(BadLine::Shape("failure has no `delivery` that is known"))?.1,
            status: status.map_err(|_| BadLine::Shape("failure has no valid `status`"))?,
            error: form.error.clone(),
            kind: kind.map_or(Kind::Other, |(_, kind)| *kind),
        })
    }
}
