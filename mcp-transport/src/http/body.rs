//! Reading a whole body, up to a limit.

use super::clock::Clock;
use crate::{BoxError, Delivery, Error, error::Kind, receive_buffer};
use bytes::{Bytes, BytesMut};
use http_body::Body;
use http_body_util::BodyExt;
use std::{
    future::poll_fn,
    mem,
    pin::{Pin, pin},
    task::{Context, Poll},
    time::Duration,
};
use tokio::time::timeout;

const MAX_REST: usize = 64 * 1024;
const MAX_REST_WAIT: Duration = Duration::from_millis(250);

/// Reads a body of at most `limit` bytes, received from `url`. A body that arrives in one piece is not copied.
///
/// # Errors
///
/// The body is larger, or the connection is lost before its end.
pub(super) async fn read<B>(
    body: B,
    limit: usize,
    url: &str,
    clock: &mut Clock,
) -> Result<Bytes, Error>
where
    B: Body<Data = Bytes, Error: Into<BoxError>>,
{
    let (mut body, mut reading) = (pin!(body), Reading::default());
    poll_fn(|cx| reading.poll(cx, body.as_mut(), limit, url, clock)).await
}

/// The state of reading a body.
#[derive(Debug, Default)]
pub(super) struct Reading {
    /// The least number of bytes to expect; known once reading has begun.
    announced: Option<u64>,
    first: Option<Bytes>,
    /// The pieces, if there is more than one.
    joined: BytesMut,
}

impl Reading {
    /// Continues to read, like [`read`].
    pub(super) fn poll<B>(
        &mut self,
        cx: &mut Context<'_>,
        mut body: Pin<&mut B>,
        limit: usize,
        url: &str,
        clock: &mut Clock,
    ) -> Poll<Result<Bytes, Error>>
    where
        B: Body<Data = Bytes, Error: Into<BoxError>>,
    {
        if *self.announced.get_or_insert_with(|| body.size_hint().lower()) > limit as u64 {
            return Poll::Ready(Err(too_large(limit, url)));
        }
        loop {
            let Poll::Ready(frame) = body.as_mut().poll_frame(cx) else {
                return clock.poll(cx, url).map(Err);
            };
            clock.touch();
            let Some(frame) = frame else { break };
            let frame = frame.map_err(|source| lost(url, source))?;
            if let Ok(data) = frame.into_data() {
                self.add(data);
                if self.size() > limit {
                    return Poll::Ready(Err(too_large(limit, url)));
                }
            }
            if body.is_end_stream() {
                break;
            }
        }
        let joined = || mem::take(&mut self.joined).freeze();
        Poll::Ready(Ok(self.first.take().unwrap_or_else(joined)))
    }

    fn size(&self) -> usize {
        self.first.as_ref().map_or(self.joined.len(), Bytes::len)
    }

    fn add(&mut self, data: Bytes) {
        if let Some(first) = self.first.take() {
            let announced = self.announced.and_then(|size| usize::try_from(size).ok());
            let size = first.len() + data.len();
            receive_buffer::reserve(&mut self.joined, announced.unwrap_or(0).max(size));
            self.joined.extend_from_slice(&first);
            self.joined.extend_from_slice(&data);
        } else if !self.joined.is_empty() {
            receive_buffer::reserve(&mut self.joined, data.len());
            self.joined.extend_from_slice(&data);
        } else if !data.is_empty() {
            self.first = Some(data);
        }
    }
}

/// Reads the rest of a body after the response, if it is short and arrives soon: a connection can be reused only if the
/// body was read to its end.
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
    // If the rest takes longer, the body is dropped, and its connection with it.
    let _ = timeout(MAX_REST_WAIT, read_to_end).await;
}

/// The connection was lost before the whole answer arrived. An error of this crate comes from a layer, and says more.
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
