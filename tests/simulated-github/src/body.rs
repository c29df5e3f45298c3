//! Bodies of responses: whole or cut, sent at once or slowly.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tokio::time::{Sleep, sleep, sleep_until};

use crate::reply::{Drip, Ending, Reply};
use crate::wire::Link;

/// The bytes of a body that occupy the link at a time.
const PIECE: usize = 4096;

/// The continuation of an endless body. Spaces may follow JSON, so a client cannot know that the JSON is complete.
static SPACES: [u8; 4096] = [b' '; 4096];

/// The body of a response while it is sent. Its waits follow Tokio's clock.
pub struct ReplyBody {
    left: Bytes,
    wait: Option<Pin<Box<Sleep>>>,
    drip: Option<Drip>,
    link: Option<Link>,
    /// The bytes that the link lets through now.
    through: usize,
    end: End,
}

/// The end of a body.
enum End {
    Whole,
    Endless,
    /// An error, which makes hyper end the connection (or, for HTTP/2, the stream). The data before it must be written
    /// to the socket first: hyper drops unwritten data.
    Cut {
        flushed: bool,
    },
}

impl ReplyBody {
    pub(crate) fn new(reply: &Reply, link: Option<Link>) -> Self {
        let body = &reply.body;
        let (left, end) = match reply.ending {
            Ending::CutBody => (body.slice(..body.len() / 2), End::Cut { flushed: false }),
            Ending::EndlessBody => (body.clone(), End::Endless),
            _ => (body.clone(), End::Whole),
        };
        Self {
            left,
            wait: (!reply.body_delay.is_zero()).then(|| Box::pin(sleep(reply.body_delay))),
            drip: reply.drip,
            link,
            through: 0,
            end,
        }
    }

    /// The bytes to send now; the rest waits if it drips.
    fn chunk(&mut self) -> Bytes {
        let whole = self.left.len();
        let through = match self.link {
            Some(_) => std::mem::take(&mut self.through).min(whole),
            None => whole,
        };
        match self.drip {
            None => self.left.split_to(through),
            Some(drip) => {
                self.wait = Some(Box::pin(sleep(drip.every)));
                self.left.split_to(drip.bytes.clamp(1, through))
            }
        }
    }

    /// Waits until the link, if there is one, lets the next piece through.
    fn poll_link(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let Some(link) = &self.link
            && self.through == 0
        {
            self.through = self.left.len().min(PIECE);
            let until = link.take(self.through);
            self.wait = Some(Box::pin(sleep_until(until)));
        }
        self.poll_wait(cx)
    }

    fn poll_wait(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let Some(wait) = &mut self.wait {
            ready!(wait.as_mut().poll(cx));
            self.wait = None;
        }
        Poll::Ready(())
    }
}

impl Body for ReplyBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        ready!(self.poll_wait(cx));
        if self.left.is_empty() {
            match &mut self.end {
                End::Whole => return Poll::Ready(None),
                End::Endless => self.left = Bytes::from_static(&SPACES),
                End::Cut { flushed: true } => {
                    return Poll::Ready(Some(Err(io::Error::other("cut off on demand"))));
                }
                End::Cut { flushed } => {
                    *flushed = true;
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
            }
        }
        ready!(self.poll_link(cx));
        Poll::Ready(Some(Ok(Frame::data(self.chunk()))))
    }

    fn is_end_stream(&self) -> bool {
        self.left.is_empty() && matches!(self.end, End::Whole)
    }

    fn size_hint(&self) -> SizeHint {
        match self.end {
            End::Whole => SizeHint::with_exact(self.left.len() as u64),
            // Unknown, or hyper would hold `content-length` against it.
            End::Endless | End::Cut { .. } => SizeHint::new(),
        }
    }
}
