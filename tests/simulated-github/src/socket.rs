//! A connection that can end with a reset.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio_rustls::server::TlsStream;

/// The part of a response that is sent before a reset in the middle of its headers: the status line and a little more.
const PART_OF_HEADERS: usize = 24;

/// A TCP connection, or TLS over one.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static {
    fn tcp(&self) -> &TcpStream;
}

impl Stream for TcpStream {
    fn tcp(&self) -> &TcpStream {
        self
    }
}

impl Stream for TlsStream<TcpStream> {
    fn tcp(&self) -> &TcpStream {
        self.get_ref().0
    }
}

/// A connection. It ends as connections do, or with a reset when its [`Reset`] was requested.
pub(crate) struct Socket<S: Stream> {
    stream: S,
    reset: Arc<Reset>,
    /// True once the part before a reset has been written.
    part_written: bool,
}

/// Asks for the end of a connection from within the service, while hyper owns its [`Socket`].
#[derive(Default)]
pub(crate) struct Reset {
    asked: AtomicBool,
    in_next_write: AtomicBool,
    notify: Notify,
}

impl Reset {
    pub(crate) fn ask(&self) {
        self.asked.store(true, Ordering::Relaxed);
        self.notify.notify_one();
    }

    /// Requests it as soon as a part of the next write has been sent.
    pub(crate) fn ask_in_next_write(&self) {
        self.in_next_write.store(true, Ordering::Relaxed);
    }

    fn is_in_next_write(&self) -> bool {
        self.in_next_write.load(Ordering::Relaxed)
    }

    /// Waits until a reset is requested. The connection must be dropped then.
    pub(crate) async fn asked(&self) {
        self.notify.notified().await;
    }
}

impl<S: Stream> Socket<S> {
    pub(crate) fn new(stream: S) -> (Self, Arc<Reset>) {
        // Only speed is lost without it.
        let _ = stream.tcp().set_nodelay(true);
        let reset = Arc::new(Reset::default());
        (
            Self {
                stream,
                reset: Arc::clone(&reset),
                part_written: false,
            },
            reset,
        )
    }
}

impl<S: Stream> Socket<S> {
    /// Sends a part and requests the reset: the connection is dropped next.
    fn poll_write_part(&mut self, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        if !self.part_written {
            let part = &buf[..buf.len().min(PART_OF_HEADERS)];
            ready!(Pin::new(&mut self.stream).poll_write(cx, part))?;
            self.part_written = true;
        }
        ready!(Pin::new(&mut self.stream).poll_flush(cx))?;
        self.reset.ask();
        Poll::Pending
    }
}

impl<S: Stream> Drop for Socket<S> {
    fn drop(&mut self) {
        if self.reset.asked.load(Ordering::Relaxed) {
            // Closing a socket that does not linger sends RST in place of FIN. If this fails the client sees a plain end.
            let _ = self.stream.tcp().set_zero_linger();
        }
    }
}

impl<S: Stream> AsyncRead for Socket<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl<S: Stream> AsyncWrite for Socket<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.reset.is_in_next_write() {
            return self.poll_write_part(cx, buf);
        }
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.reset.is_in_next_write() {
            let first = bufs.iter().find(|buf| !buf.is_empty());
            return self.poll_write_part(cx, first.map_or(&[], |buf| &**buf));
        }
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
