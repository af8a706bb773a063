//! Checking that the headers of a stateless request agree with its body.
//!
//! See [the clause](https://modelcontextprotocol.io/specification/2026-07-28/basic/transports/streamable-http#server-validation).

use super::answer::Refusal;
use crate::MirroredParams;
use base64::{Engine, prelude::BASE64_STANDARD};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use mcp_types::{
    ErrorCode, ProtocolVersion, RawJson, RequestId, keys,
    rpc::{Members, Message, Request},
};
use serde_json::{Map, Value};
use std::borrow::Cow;

pub(super) const PROTOCOL_VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");
const METHOD: HeaderName = HeaderName::from_static("mcp-method");
const NAME: HeaderName = HeaderName::from_static("mcp-name");
const PARAM_PREFIX: &str = "mcp-param-";

/// The members of `params` that headers mirror, as JSON text.
#[derive(Default)]
struct Params<'a> {
    name: Option<&'a str>,
    uri: Option<&'a str>,
    task_id: Option<&'a str>,
    meta: Option<&'a str>,
}

impl<'a> Params<'a> {
    fn of(members: Members<'a>) -> Option<Self> {
        let mut found = Self::default();
        for (key, value) in members {
            match &*key {
                "name" => once(&mut found.name, value)?,
                "uri" => once(&mut found.uri, value)?,
                "taskId" => once(&mut found.task_id, value)?,
                "_meta" => once(&mut found.meta, value)?,
                _ => {}
            }
        }
        Some(found)
    }
}

/// The members of `_meta` that headers mirror.
#[derive(Default)]
struct Meta<'a> {
    version: Option<&'a str>,
    capabilities: Option<&'a str>,
}

impl<'a> Meta<'a> {
    fn of(members: Members<'a>) -> Option<Self> {
        let mut found = Self::default();
        for (key, value) in members {
            match &*key {
                keys::PROTOCOL_VERSION => once(&mut found.version, value)?,
                keys::CLIENT_CAPABILITIES => once(&mut found.capabilities, value)?,
                _ => {}
            }
        }
        Some(found)
    }
}

/// Returns none if the member is there twice: later readers of the message may take the other one.
fn once<'a>(place: &mut Option<&'a str>, value: &'a str) -> Option<()> {
    place.replace(value).is_none().then_some(())
}

/// A posted message, with what matters here.
pub(super) struct Posted<'a> {
    headers: &'a HeaderMap,
    message: &'a Message,
    params: Params<'a>,
    meta: Meta<'a>,
}

/// What the headers of a stateless message say.
#[derive(Debug)]
pub(super) struct Facts {
    pub(super) version: ProtocolVersion,
    pub(super) mirrored: MirroredParams,
}

impl<'a> Posted<'a> {
    pub(super) fn new(headers: &'a HeaderMap, message: &'a Message) -> Self {
        let params = match message {
            Message::Request(request) => request.params.as_ref(),
            Message::Notification(notification) => notification.params.as_ref(),
            Message::Response(_) => None,
        };
        let params = params.and_then(|params| Params::of(params.members())).unwrap_or_default();
        let meta = params.meta.and_then(|meta| Meta::of(Members::of(meta)));
        Self { headers, message, params, meta: meta.unwrap_or_default() }
    }

    /// Returns the revision in the header. One that is not text is an unknown revision.
    pub(super) fn header_version(&self) -> Option<ProtocolVersion> {
        let value = self.headers.get(PROTOCOL_VERSION)?;
        Some(value.to_str().unwrap_or("unreadable").into())
    }

    fn body_version(&self) -> Option<ProtocolVersion> {
        text(self.meta.version).map(|version| ProtocolVersion::from(&*version))
    }

    /// Returns whether the message belongs to a stateless revision, by its header or by its body.
    pub(super) fn is_modern(&self) -> bool {
        let versions = [self.header_version(), self.body_version()];
        versions.iter().flatten().any(ProtocolVersion::is_modern)
    }

    /// Returns the id for a refusal.
    pub(super) fn id(&self) -> Option<RequestId> {
        match self.message {
            Message::Request(request) => Some(request.id.clone()),
            Message::Notification(_) | Message::Response(_) => None,
        }
    }

    /// Checks the headers against the body.
    pub(super) fn check(&self, supported: &[ProtocolVersion]) -> Result<Facts, Refusal> {
        let version = self.check_version(supported)?;
        match self.message {
            Message::Request(request) => self.check_request(request)?,
            // The specification does not require headers on notifications, but those that are present must be right.
            Message::Notification(notification) => {
                if let Some(method) = self.header(&METHOD)? {
                    self.same(&METHOD, method, &notification.method)?;
                }
            }
            Message::Response(_) => {
                let text = "a server of a stateless revision takes no responses";
                return Err(Refusal::bad_request(None, text));
            }
        }
        Ok(Facts { version, mirrored: self.mirrored()? })
    }

    fn check_version(&self, supported: &[ProtocolVersion]) -> Result<ProtocolVersion, Refusal> {
        let header = match (self.header(&PROTOCOL_VERSION)?, self.body_version()) {
            (None, _) => return Err(self.missing(&PROTOCOL_VERSION)),
            (Some(_), None) if self.id().is_some() => {
                return Err(self.malformed("io.modelcontextprotocol/protocolVersion"));
            }
            (Some(header), None) => header,
            (Some(header), Some(body)) => {
                self.same(&PROTOCOL_VERSION, header, body.as_str())?;
                header
            }
        };
        let version = ProtocolVersion::from(header);
        if supported.contains(&version) && version.is_modern() {
            Ok(version)
        } else {
            Err(self.unsupported(&version, supported))
        }
    }

    fn check_request(&self, request: &Request) -> Result<(), Refusal> {
        if self.meta.capabilities.is_none_or(|value| !value.starts_with('{')) {
            return Err(self.malformed("io.modelcontextprotocol/clientCapabilities"));
        }
        let method = self.header(&METHOD)?.ok_or_else(|| self.missing(&METHOD))?;
        self.same(&METHOD, method, &request.method)?;
        let (name, is_required) = match &*request.method {
            "tools/call" | "prompts/get" => (self.params.name, true),
            "resources/read" => (self.params.uri, true),
            "tasks/get" | "tasks/update" | "tasks/cancel" => (self.params.task_id, false),
            _ => return Ok(()),
        };
        match (self.header(&NAME)?, text(name)) {
            (Some(header), body) => {
                let header = decode(header).ok_or_else(|| self.unreadable(&NAME))?;
                self.same(&NAME, &header, body.as_deref().unwrap_or_default())
            }
            (None, Some(_)) if is_required => Err(self.missing(&NAME)),
            // The server reports a call without a name.
            (None, _) => Ok(()),
        }
    }

    /// Reads the mirrored arguments. The server checks which of them a tool requires.
    fn mirrored(&self) -> Result<MirroredParams, Refusal> {
        let mut params = Vec::new();
        for (name, value) in self.headers {
            let Some(param) = name.as_str().strip_prefix(PARAM_PREFIX) else { continue };
            let value = value.to_str().ok().and_then(decode);
            params.push((param.to_owned(), value.ok_or_else(|| self.unreadable(name))?));
        }
        Ok(MirroredParams(params))
    }

    /// Returns the only value of a header.
    fn header(&self, name: &HeaderName) -> Result<Option<&'a str>, Refusal> {
        let mut values = self.headers.get_all(name).iter().map(HeaderValue::to_str);
        match (values.next(), values.next()) {
            (None, _) => Ok(None),
            (Some(Ok(value)), None) => Ok(Some(value)),
            _ => Err(self.unreadable(name)),
        }
    }

    fn same(&self, name: &HeaderName, header: &str, body: &str) -> Result<(), Refusal> {
        if header == body {
            return Ok(());
        }
        Err(self.mismatch(format!("header `{name}` says {header:?}, the body says {body:?}")))
    }

    fn missing(&self, name: &HeaderName) -> Refusal {
        self.mismatch(format!("header `{name}` is missing"))
    }

    fn unreadable(&self, name: &HeaderName) -> Refusal {
        self.mismatch(format!("header `{name}` cannot be read"))
    }

    fn mismatch(&self, text: String) -> Refusal {
        Refusal::new(StatusCode::BAD_REQUEST, self.id(), ErrorCode::HEADER_MISMATCH, text)
    }

    fn malformed(&self, key: &str) -> Refusal {
        let text = format!("`_meta` has no valid `{key}`");
        Refusal::new(StatusCode::BAD_REQUEST, self.id(), ErrorCode::INVALID_PARAMS, text)
    }

    /// Creates the refusal of an unsupported revision.
    pub(super) fn unsupported(
        &self,
        requested: &ProtocolVersion,
        supported: &[ProtocolVersion],
    ) -> Refusal {
        let code = ErrorCode::UNSUPPORTED_PROTOCOL_VERSION;
        let text = format!("protocol version {:?} is not supported", requested.as_str());
        let refusal = Refusal::new(StatusCode::BAD_REQUEST, self.id(), code, text);
        let supported = supported.iter().map(|version| version.as_str().into());
        let mut data = Map::new();
        data.insert("supported".to_owned(), Value::Array(supported.collect()));
        data.insert("requested".to_owned(), requested.as_str().into());
        refusal.with_data(Value::Object(data))
    }
}

fn text(value: Option<&str>) -> Option<Cow<'_, str>> {
    RawJson::read_str(value?)
}

/// Returns the meaning of a header: the value itself, or its decoded Base64.
fn decode(value: &str) -> Option<String> {
    let inner = value.strip_prefix("=?base64?").and_then(|rest| rest.strip_suffix("?="));
    match inner {
        None => Some(value.to_owned()),
        Some(inner) => String::from_utf8(BASE64_STANDARD.decode(inner).ok()?).ok(),
    }
}
