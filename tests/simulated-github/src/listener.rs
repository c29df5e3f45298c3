//! A listener with a thread of its own.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

/// Accepts connections until dropped, on a thread of its own: tests need no runtime.
pub(crate) struct Listener {
    address: SocketAddr,
    accepted: Arc<AtomicUsize>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Listener {
    /// Listens on an address, on a free port if that is 0, and runs `connection` for each connection.
    ///
    /// # Errors
    /// When the address is not this machine's or the port is taken, or the machine has no thread to spare.
    pub(crate) fn start<F>(
        name: &str,
        address: SocketAddr,
        connection: impl Fn(TcpStream) -> F + Send + 'static,
    ) -> io::Result<Self>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let listener = std::net::TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let listener = {
            let _context = runtime.enter();
            TcpListener::from_std(listener)?
        };
        let accepted = Arc::new(AtomicUsize::new(0));
        let (stop, stopped) = oneshot::channel();
        let accepting = accept(listener, Arc::clone(&accepted), connection, stopped);
        let thread = std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || runtime.block_on(accepting))?;
        Ok(Self {
            address,
            accepted,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The number of connections accepted so far.
    pub(crate) fn accepted(&self) -> usize {
        self.accepted.load(Ordering::SeqCst)
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic of the thread has been printed by then, and a test has failed over it.
            let _ = thread.join();
        }
    }
}

async fn accept<F>(
    listener: TcpListener,
    accepted: Arc<AtomicUsize>,
    connection: impl Fn(TcpStream) -> F,
    mut stopped: oneshot::Receiver<()>,
) where
    F: Future<Output = ()> + Send + 'static,
{
    loop {
        tokio::select! {
            _ = &mut stopped => return,
            incoming = listener.accept() => {
                // A client that is gone before it was accepted does not matter.
                if let Ok((stream, _)) = incoming {
                    accepted.fetch_add(1, Ordering::SeqCst);
                    tokio::spawn(connection(stream));
                }
            }
        }
    }
}
