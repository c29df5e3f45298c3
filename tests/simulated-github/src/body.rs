//! Bodies of answers, whole or cut off.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};

/// The body of an answer.
pub(crate) enum Payload {
    /// All that is left to send.
    Whole(Option<Bytes>),
    /// This much, and then an error, which makes hyper end the connection (or, for HTTP/2, the stream).
    Cut(Cut),
}

/// How far a body that is cut off has come.
pub(crate) enum Cut {
    Part(Bytes),
    /// The part must be written to the socket before the error: hyper drops what it has not written.
    Flushing,
    Broken,
}

impl Payload {
    pub(crate) fn whole(bytes: Bytes) -> Self {
        Self::Whole((!bytes.is_empty()).then_some(bytes))
    }

    pub(crate) fn cut(bytes: Bytes) -> Self {
        Self::Cut(Cut::Part(bytes.slice(..bytes.len() / 2)))
    }
}

impl Body for Payload {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        match &mut *self {
            Self::Whole(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Self::Cut(cut) => match std::mem::replace(cut, Cut::Broken) {
                Cut::Part(bytes) => {
                    *cut = Cut::Flushing;
                    Poll::Ready(Some(Ok(Frame::data(bytes))))
                }
                Cut::Flushing => {
                    cx.waker().wake_by_ref();
                    Poll::Pending
                }
                Cut::Broken => Poll::Ready(Some(Err(io::Error::other("cut off on demand")))),
            },
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Whole(None))
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => {
                SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))
            }
            // Unknown, or hyper would hold `content-length` against it.
            Self::Cut(_) => SizeHint::new(),
        }
    }
}
