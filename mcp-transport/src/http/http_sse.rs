//! The HTTP+SSE transport of revision 2024-11-05: one event stream down, POSTs up.
//!
//! See [the clause](https://modelcontextprotocol.io/specification/2024-11-05/basic/transports#http-with-sse).

mod channel;

pub(super) use channel::Channel;

use super::{
    HttpService, RequestBody,
    clock::Clock,
    compose::{self, Sent, legacy_headers},
    refusal,
    reply::MediaType,
    service,
    sse::{Decoder, Event, TooLarge},
    state::{InFlight, State, Target},
    stream::message_data,
};
use crate::{Delivery, Error, Replies, ServerMessage, Url, error::Kind};
use bytes::Bytes;
use channel::Registration;
use futures_core::Stream;
use futures_util::{FutureExt, future::BoxFuture};
use http::{HeaderValue, Method, Request, Response, StatusCode, Uri, header};
use http_body_util::BodyExt;
use std::{
    future::poll_fn,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};
use tokio::time::timeout;

/// How long the server may take to name the message endpoint, unless another limit for its answers was set.
const MAX_WAIT: Duration = Duration::from_secs(10);

/// Returns whether a server of that revision refuses `initialize` in this way because it takes no POST there.
// spec: SSE24-01 VER-10
pub(super) fn is_hint(refusal: &Error) -> bool {
    let status = refusal.status().map(|status| status.as_u16());
    let is_modern = refusal.peer_error().is_some_and(|error| error.code.is_modern());
    matches!(status, Some(400 | 404 | 405)) && !is_modern && !refusal.is_closed()
}

/// Opens the stream, hands it to the driver, and waits until the server has named the message endpoint.
///
/// # Errors
///
/// There is no such stream, or it does not begin as it has to.
///
/// # Cancel safety
///
/// Dropping the future detaches the stream: a later message may open another.
pub(super) async fn open<S: HttpService>(
    service: S,
    state: &Arc<State>,
) -> Result<Arc<Channel>, Error> {
    let url = &state.target.url;
    let opening = async {
        let response = request_stream(service, &state.target).await?;
        let channel = Arc::new(Channel::new(state.target.limits.replies));
        let (reader, of) = (Arc::clone(&channel), Arc::clone(state));
        state.attach(Arc::clone(&channel), read::<S>(reader, of, response).boxed());
        channel.endpoint().await?;
        Ok(channel)
    };
    let mut unopened = Unopened(Some(state));
    let limit = state.target.response_timeout.unwrap_or(MAX_WAIT);
    let opened = timeout(limit, opening).await.unwrap_or_else(|elapsed| {
        let message = format!("{url} did not say where messages go within {limit:?}");
        Err(Error::new(Kind::Timeout, Delivery::NotSent, message).with_source(elapsed))
    });
    opened.inspect(|_| unopened.0 = None)
}

/// A stream that has not begun. If dropped in this state, it is detached.
struct Unopened<'a>(Option<&'a State>);

impl Drop for Unopened<'_> {
    fn drop(&mut self) {
        if let Some(state) = self.0 {
            state.detach();
        }
    }
}

async fn request_stream<S: HttpService>(
    mut service: S,
    target: &Target,
) -> Result<Response<S::ResponseBody>, Error> {
    let url = &target.url;
    let mut headers = legacy_headers(target, None, None);
    headers.remove(header::CONTENT_TYPE);
    headers.insert(header::ACCEPT, HeaderValue::from_static("text/event-stream"));
    let request = compose::request(target, Method::GET, headers, RequestBody::default());
    let answering = async {
        poll_fn(|cx| service.poll_ready(cx)).await?;
        service.call(request).await
    };
    let response = answering.await.map_err(|error| service::failed(url, error))?;
    let status = response.status();
    if status == StatusCode::OK
        && matches!(MediaType::of(response.headers()), Ok(MediaType::EventStream))
    {
        return Ok(response);
    }
    let message = format!("{url} gave no event stream");
    Err(Error::new(Kind::Status, Delivery::NotSent, message).with_status(status))
}

/// Reads the stream to its end, and returns why it ended.
async fn read<S: HttpService>(
    channel: Arc<Channel>,
    state: Arc<State>,
    response: Response<S::ResponseBody>,
) -> Error {
    let lost = read_events::<S>(&channel, &state, response).await;
    channel.lose(&lost);
    if channel.known_endpoint().is_none() {
        // It never became the stream of this connection: its opener drops it.
        std::future::pending::<()>().await;
    }
    lost
}

async fn read_events<S: HttpService>(
    channel: &Channel,
    state: &State,
    response: Response<S::ResponseBody>,
) -> Error {
    let (url, limit) = (&state.target.url, state.target.limits.event);
    let mut decoder = Decoder::new(limit);
    let mut body = pin!(response.into_body());
    loop {
        let frame = match state.target.idle_timeout {
            None => body.frame().await,
            Some(idle) => match timeout(idle, body.frame()).await {
                Ok(frame) => frame,
                Err(_) => {
                    let message = format!("{url} sent nothing for {idle:?}");
                    return Error::closed(message, Delivery::Unknown);
                }
            },
        };
        let frame = match frame {
            Some(Ok(frame)) => frame,
            Some(Err(source)) => return super::body::lost(url, source),
            None => {
                let message = format!("event stream of {url} ended");
                return Error::closed(message, Delivery::Unknown);
            }
        };
        let Ok(data) = frame.into_data() else { continue };
        decoder.push(data);
        loop {
            match decoder.next_event() {
                Ok(Some(event)) => {
                    if let Err(error) = hear(channel, state, event) {
                        return error;
                    }
                }
                Ok(None) => break,
                Err(TooLarge) => channel.too_large(limit, &state.inbox),
            }
        }
    }
}

fn hear(channel: &Channel, state: &State, event: Event) -> Result<(), Error> {
    let is_open = channel.known_endpoint().is_some();
    if event.name.as_deref() == Some(b"endpoint") {
        if !is_open {
            channel.open(endpoint(&state.target, &event.data)?);
        }
        return Ok(());
    }
    let Some(data) = message_data(event) else { return Ok(()) };
    if !is_open {
        let message =
            format!("event stream of {} does not begin with `endpoint`", state.target.url);
        return Err(Error::new(Kind::Malformed, Delivery::NotSent, message));
    }
    super::listen::each(state, &data, |data| channel.take(data, &state.inbox));
    Ok(())
}

/// Reads the message endpoint, which must be at the origin of the stream, whatever the server says.
// spec: SSE24-03
fn endpoint(target: &Target, data: &Bytes) -> Result<Uri, Error> {
    let refuse = |what: &str| {
        let message = format!("{} wants messages at {what}, which is refused", target.url);
        Error::new(Kind::Malformed, Delivery::NotSent, message)
    };
    let text = std::str::from_utf8(data).map_err(|_| refuse("something unreadable"))?;
    let stream = Url::parse(&target.uri.to_string());
    let stream = stream.map_err(|source| refuse("an unknown place").with_source(source))?;
    let url = stream
        .join(text.trim())
        .map_err(|source| refuse("something that is no URL").with_source(source))?;
    if url.origin() != stream.origin() {
        return Err(refuse(&format!("{:?}", url.origin())));
    }
    // Only the client sets user names.
    let url = url.without_credentials().without_fragment();
    url.as_str().parse().map_err(|source| refuse("something that is no URI").with_source(source))
}

/// Sends a message; its replies come over the stream.
pub(super) async fn exchange<S: HttpService>(
    service: S,
    channel: Arc<Channel>,
    mut call: InFlight,
    sent: Sent,
    mut request: Request<RequestBody>,
) -> Result<Replies, Error> {
    let endpoint = channel.endpoint().await.inspect_err(|_| call.finish())?;
    *request.uri_mut() = endpoint;
    let state = Arc::clone(call.state());
    let Some(id) = sent.id.clone() else {
        return post(service, state, sent, request).await.map(|()| Replies::empty());
    };
    let registration = channel.register(&id).inspect_err(|_| call.finish())?;
    let clock = Clock::start(state.target.total_timeout, None);
    let posting = Some(post(service, state, sent, request).boxed());
    let mut replies =
        ChannelReplies { call: Some(call), registration, first: None, posting, clock };
    poll_fn(|cx| replies.poll_sent(cx)).await?;
    Ok(Replies::new(replies))
}

async fn post<S: HttpService>(
    mut service: S,
    state: Arc<State>,
    sent: Sent,
    request: Request<RequestBody>,
) -> Result<(), Error> {
    let answering = async {
        poll_fn(|cx| service.poll_ready(cx)).await?;
        service.call(request).await
    };
    let response = answering.await.map_err(|error| service::failed(&state.target.url, error))?;
    if response.status().is_success() {
        return Ok(());
    }
    refusal::read_error(&state, &sent, response).await
}

/// The replies to one request. If dropped before the response, they leave a cancellation to the driver.
struct ChannelReplies {
    call: Option<InFlight>,
    registration: Registration,
    /// What arrived before the POST was answered.
    first: Option<Result<ServerMessage, Error>>,
    posting: Option<BoxFuture<'static, Result<(), Error>>>,
    clock: Clock,
}

impl ChannelReplies {
    /// Resolves when the server has accepted the message, or when a reply to it has already arrived.
    fn poll_sent(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        match self.poll_reply(cx) {
            Poll::Ready(Some(Err(error))) => Poll::Ready(Err(error)),
            Poll::Ready(reply) => {
                self.first = reply;
                Poll::Ready(Ok(()))
            }
            Poll::Pending if self.posting.is_none() => Poll::Ready(Ok(())),
            Poll::Pending => Poll::Pending,
        }
    }

    fn poll_reply(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<ServerMessage, Error>>> {
        let Some(call) = &mut self.call else { return Poll::Ready(None) };
        let mut failure = None;
        if let Some(posting) = &mut self.posting
            && let Poll::Ready(posted) = posting.poll_unpin(cx)
        {
            self.posting = None;
            failure = posted.err();
        }
        if failure.is_none()
            && let Poll::Ready(late) = self.clock.poll(cx, &call.state().target.url)
        {
            // The call is given up, and the server is told.
            self.call = None;
            return Poll::Ready(Some(Err(late)));
        }
        // A reply on the stream counts, whatever the outcome of the POST.
        let last = match (self.registration.replies.poll_recv(cx), failure) {
            (Poll::Ready(Some(Ok(message))), _)
                if !matches!(message, ServerMessage::Response(_)) =>
            {
                return Poll::Ready(Some(Ok(message)));
            }
            (Poll::Ready(Some(last)), _) => last,
            (_, Some(error)) => Err(error),
            (Poll::Ready(None), None) => return Poll::Ready(None),
            (Poll::Pending, None) => return Poll::Pending,
        };
        call.finish();
        self.call = None;
        Poll::Ready(Some(last))
    }
}

impl Stream for ChannelReplies {
    type Item = Result<ServerMessage, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        match self.first.take() {
            Some(first) => Poll::Ready(Some(first)),
            None => self.poll_reply(cx),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::endpoint::target;

    // spec: SSE24-03
    #[test]
    fn messages_go_to_the_origin_of_the_stream_or_nowhere() {
        let target = target("https://me:pw@example.com/a/sse?key=1".parse().unwrap()).unwrap();
        let at = |text: &'static str| {
            endpoint(&target, &Bytes::from_static(text.as_bytes())).map(|uri| uri.to_string())
        };
        for (text, uri) in [
            ("/messages?session=1", "https://example.com/messages?session=1"),
            ("messages", "https://example.com/a/messages"),
            ("?session=1", "https://example.com/a/sse?session=1"),
            (" https://example.com:443/m#x ", "https://example.com/m"),
            ("https://you:pw@example.com/m", "https://example.com/m"),
        ] {
            assert_eq!(at(text).unwrap(), uri);
        }
        for text in [
            "http://example.com/m",
            "https://example.com:8443/m",
            "https://example.org/m",
            "//example.org/m",
            "https://example.com.evil.example/m",
            "file:///etc/passwd",
            "javascript:alert(1)",
            "http://[",
        ] {
            let error = at(text).unwrap_err();
            assert!(error.is_malformed() && error.delivery() == Delivery::NotSent, "{text}");
        }
    }
}
