//! The server: a thin shell round [`GitHub::respond`].

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::connection::serve;
use crate::github::GitHub;
use crate::listener::Listener;
use crate::tls::{Protocols, Tls};

/// A free port of loopback.
pub(crate) const ANY_PORT: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// The state, shared with the thread that serves it.
pub(crate) type Shared = Arc<Mutex<GitHub>>;

/// A running server, on 127.0.0.1 unless set otherwise. Without TLS it speaks HTTP/1.1, and HTTP/2 with clients that
/// begin with it.
///
/// It has a thread of its own, so tests need no runtime, and stops when dropped.
pub struct Simulator {
    github: Shared,
    listener: Listener,
    ca_pem: Option<String>,
}

impl Simulator {
    /// Serves on a free port.
    ///
    /// # Panics
    /// If the machine has no free port, or no thread to spare.
    pub fn start(github: GitHub) -> Self {
        or_panic(Self::start_on(github, ANY_PORT))
    }

    /// Serves on an address of this machine; port 0 is a free one. An address outside of loopback can be reached from
    /// other machines.
    ///
    /// # Errors
    /// When the address is not this machine's, the port is taken, or the machine has no thread to spare.
    pub fn start_on(github: GitHub, address: SocketAddr) -> io::Result<Self> {
        Self::serve(github, address, None)
    }

    /// Serves over TLS on a free port, with a certificate for [`CERTIFICATE_NAMES`](crate::CERTIFICATE_NAMES) that a private
    /// authority made for this server alone has signed: see [`ca_pem`](Self::ca_pem).
    ///
    /// # Panics
    /// If the machine has no port or thread to spare, or no randomness to make keys with.
    pub fn start_tls(github: GitHub, protocols: Protocols) -> Self {
        or_panic(Tls::new(protocols).and_then(|tls| Self::serve(github, ANY_PORT, Some(tls))))
    }

    fn serve(github: GitHub, address: SocketAddr, tls: Option<Tls>) -> io::Result<Self> {
        let github = Arc::new(Mutex::new(github));
        let ca_pem = tls.as_ref().map(|tls| tls.ca_pem.clone());
        let served = Arc::clone(&github);
        let listener = Listener::start("simulated-github", address, move |stream| {
            serve(stream, tls.clone(), Arc::clone(&served))
        })?;
        Ok(Self {
            github,
            listener,
            ca_pem,
        })
    }

    /// The API's base address: `http://127.0.0.1:4711`, or `http://127.0.0.1:4711/api/v3` for Enterprise Server; `https` with
    /// TLS.
    pub fn url(&self) -> String {
        let scheme = self.ca_pem.as_ref().map_or("http", |_| "https");
        let base_path = self.github().base_path();
        format!("{scheme}://{}{base_path}", self.address())
    }

    /// The address on which it listens.
    pub fn address(&self) -> SocketAddr {
        self.listener.address()
    }

    /// The certificate, in PEM, of the authority that a client must trust to reach the server.
    ///
    /// # Panics
    /// If the server was started without TLS.
    pub fn ca_pem(&self) -> &str {
        let Some(pem) = &self.ca_pem else {
            panic!("a server without TLS has no certificate; use `Simulator::start_tls`");
        };
        pem
    }

    /// The number of connections accepted so far, also those whose client did not get past TLS.
    pub fn connections(&self) -> usize {
        self.listener.accepted()
    }

    /// The state, for tests that answer requests in the server's place.
    pub fn shared(&self) -> Arc<Mutex<GitHub>> {
        Arc::clone(&self.github)
    }

    /// The state, to look at or to change; no request is answered while this is held.
    pub fn github(&self) -> MutexGuard<'_, GitHub> {
        locked(&self.github)
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        self.github().assert_no_violations();
    }
}

fn or_panic(started: io::Result<Simulator>) -> Simulator {
    match started {
        Ok(simulator) => simulator,
        Err(error) => panic!("cannot serve on 127.0.0.1: {error}"),
    }
}

/// Locks the state, even if a test failed while it held the lock: the state is still worth reading.
pub(crate) fn locked<T>(state: &Mutex<T>) -> MutexGuard<'_, T> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
