//! Reading a body whole.

use super::clock::Clock;
use crate::{BoxError, Delivery, Error, error::Kind, room};
use bytes::{Bytes, BytesMut};
use http_body::{Body, Frame};
use http_body_util::BodyExt;
use std::{
    future::poll_fn,
    pin::{Pin, pin},
    task::Poll,
    time::Duration,
};
use tokio::time::timeout;

const MAX_REST: usize = 64 * 1024;
const MAX_REST_WAIT: Duration = Duration::from_millis(250);

/// Reads a body of at most `limit` bytes, which `url` sent. One that comes in one piece is not copied.
///
/// # Errors
///
/// The body is larger, or the connection is lost on the way.
pub(super) async fn read<B>(
    body: B,
    limit: usize,
    url: &str,
    clock: &mut Clock,
) -> Result<Bytes, Error>
where
    B: Body<Data = Bytes, Error: Into<BoxError>>,
{
    let mut body = pin!(body);
    let announced = body.size_hint().lower();
    if announced > limit as u64 {
        return Err(too_large(limit, url));
    }
    let mut size = 0;
    let mut first: Option<Bytes> = None;
    let mut joined = BytesMut::new();
    while let Some(frame) = next(body.as_mut(), url, clock).await {
        let frame = frame?;
        let Ok(data) = frame.into_data() else { continue };
        size += data.len();
        if size > limit {
            return Err(too_large(limit, url));
        }
        if !joined.is_empty() {
            room::reserve(&mut joined, data.len());
            joined.extend_from_slice(&data);
        } else if let Some(first) = first.take() {
            room::reserve(&mut joined, usize::try_from(announced).unwrap_or(0).max(size));
            joined.extend_from_slice(&first);
            joined.extend_from_slice(&data);
        } else if !data.is_empty() {
            first = Some(data);
        }
    }
    Ok(first.unwrap_or_else(|| joined.freeze()))
}

/// The next part of a body, unless it takes too long.
async fn next<B>(
    mut body: Pin<&mut B>,
    url: &str,
    clock: &mut Clock,
) -> Option<Result<Frame<Bytes>, Error>>
where
    B: Body<Data = Bytes, Error: Into<BoxError>>,
{
    poll_fn(|cx| {
        if let Poll::Ready(frame) = body.as_mut().poll_frame(cx) {
            clock.touch();
            return Poll::Ready(frame.map(|frame| frame.map_err(|source| lost(url, source))));
        }
        clock.poll(cx, url).map(|late| Some(Err(late)))
    })
    .await
}

/// Reads what comes after the response, if it is little and comes soon: a connection whose body was read to its end can
/// carry another request, and one whose body was dropped cannot.
pub(super) async fn drain<B>(mut body: Pin<Box<B>>)
where
    B: Body<Data = Bytes>,
{
    let read_to_end = async {
        let mut size = 0;
        while let Some(Ok(frame)) = body.frame().await {
            size += frame.data_ref().map_or(0, Bytes::len);
            if size > MAX_REST {
                return;
            }
        }
    };
    // A body that takes longer is given up, and its connection with it.
    let _ = timeout(MAX_REST_WAIT, read_to_end).await;
}

/// The connection was lost before the whole answer came. An error of this crate is that of a layer: it says more.
pub(super) fn lost(url: &str, source: impl Into<BoxError>) -> Error {
    match source.into().downcast::<Error>() {
        Ok(own) => *own,
        Err(source) => {
            let message = format!("connection was lost in the middle of the answer of {url}");
            Error::closed(message, Delivery::Unknown).with_source(source)
        }
    }
}

fn too_large(limit: usize, url: &str) -> Error {
    let message = format!("answer of {url} is larger than the limit of {limit} bytes");
    Error::new(Kind::TooLarge, Delivery::Delivered, message)
}
