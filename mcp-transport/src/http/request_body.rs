//! The body of a request: one or more parts, sent without joining them.

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use std::{
    convert::Infallible,
    fmt, mem,
    pin::Pin,
    task::{Context, Poll},
};

/// The body of a request: one encoded message. It is cheap to clone, so that a layer can send it again.
///
/// A large message comes in several frames, so that large parts are shared rather than copied. The length is known from
/// the start. `Debug` shows only the size, because a message may contain what should not be logged.
///
/// ```
/// use http_body::Body;
/// use mcp_transport::http::RequestBody;
///
/// let body = RequestBody::from("{}".as_bytes().to_vec());
/// assert_eq!(body.size_hint().exact(), Some(2));
/// ```
#[derive(Clone, Default)]
pub struct RequestBody {
    /// Empty at the end.
    next: Bytes,
    /// What follows it, if there is more.
    rest: Option<Box<Self>>,
}

impl RequestBody {
    /// Returns how many bytes are left.
    pub(super) fn size(&self) -> usize {
        self.next.len() + self.rest.as_ref().map_or(0, |rest| rest.size())
    }
}

impl From<Bytes> for RequestBody {
    fn from(next: Bytes) -> Self {
        Self { next, rest: None }
    }
}

impl From<Vec<u8>> for RequestBody {
    fn from(bytes: Vec<u8>) -> Self {
        Bytes::from(bytes).into()
    }
}

/// Joins parts, one after the other.
impl<const N: usize> From<[Bytes; N]> for RequestBody {
    fn from(parts: [Bytes; N]) -> Self {
        let parts = parts.into_iter().rev().filter(|part| !part.is_empty());
        let body = parts.fold(None, |rest, next| Some(Box::new(Self { next, rest })));
        body.map_or_else(Self::default, |body| *body)
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.next.is_empty() {
            return Poll::Ready(None);
        }
        let rest = self.rest.take().map_or_else(Self::default, |rest| *rest);
        Poll::Ready(Some(Ok(Frame::data(mem::replace(&mut *self, rest).next))))
    }

    fn is_end_stream(&self) -> bool {
        self.next.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.size() as u64)
    }
}

impl fmt::Debug for RequestBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RequestBody({} bytes)", self.size())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;
    use http_body_util::BodyExt;

    #[test]
    fn the_parts_come_one_after_the_other_and_a_clone_has_what_was_left() {
        let [a, b, c] = ["{\"a\":", "[1]", "}"].map(Bytes::from);
        let parts = [a, Bytes::new(), b.clone(), c, Bytes::new()];
        let mut body = RequestBody::from(parts);
        let mut frames = Vec::new();
        while let Some(frame) = body.frame().now_or_never().unwrap() {
            let left = body.clone().collect().now_or_never().unwrap().unwrap().to_bytes();
            assert_eq!(body.size_hint().exact(), Some(left.len() as u64));
            assert_eq!(body.is_end_stream(), left.is_empty());
            frames.push(frame.unwrap().into_data().unwrap());
        }
        assert_eq!(frames.concat(), b"{\"a\":[1]}");
        assert_eq!(frames[1].as_ptr(), b.as_ptr(), "it is not copied");
        assert!(RequestBody::from([Bytes::new()]).is_end_stream());
    }
}
