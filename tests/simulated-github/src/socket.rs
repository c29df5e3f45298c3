//! A connection that can end with a reset.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio_rustls::server::TlsStream;

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

/// A connection. It ends as connections do, or with a reset when its [`Reset`] was asked for one.
pub(crate) struct Socket<S: Stream> {
    stream: S,
    reset: Arc<Reset>,
}

/// Asks for the end of a connection from within the service, while hyper owns its [`Socket`].
#[derive(Default)]
pub(crate) struct Reset {
    asked: AtomicBool,
    notify: Notify,
}

impl Reset {
    pub(crate) fn ask(&self) {
        self.asked.store(true, Ordering::Relaxed);
        self.notify.notify_one();
    }

    /// Waits until a reset is asked for. The connection must be dropped then.
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
            },
            reset,
        )
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
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
