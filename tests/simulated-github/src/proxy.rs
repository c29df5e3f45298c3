//! A forward proxy.

use std::collections::HashMap;
use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, Uri, header};
use http_body_util::{Either, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::listener::Listener;
use crate::server::{ANY_PORT, locked};

/// The port of a target that names no port; a target of `CONNECT` always names one.
const HTTP_PORT: u16 = 80;

type Answer = Response<Either<Full<Bytes>, Incoming>>;

/// The behaviour of a proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ProxyMode {
    /// Passes it on.
    #[default]
    Forward,
    /// Answers with this status, such as 502, and passes nothing on.
    Refuse(u16),
    /// Never answers.
    Hang,
}

/// A request that a proxy got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProxyRequest {
    /// `CONNECT` for a tunnel; the request's own method for one without TLS.
    pub method: String,
    /// As sent: `github.example.com:443` for a tunnel, a whole URL otherwise.
    pub target: String,
    /// True if it had the credentials that the proxy requires, or the proxy requires no credentials.
    pub authorized: bool,
}

/// A running forward proxy on 127.0.0.1: tunnels by `CONNECT`, and requests for whole `http` URLs.
///
/// It knows the hosts set with [`map`](Self::map), and addresses of this machine; no request leaves the
/// machine. Like [`Simulator`](crate::Simulator) it has a thread of its own and stops when dropped.
pub struct Proxy {
    state: Arc<Mutex<State>>,
    listener: Listener,
}

#[derive(Default)]
struct State {
    mode: ProxyMode,
    /// The value of `Proxy-Authorization` that is wanted.
    wanted: Option<String>,
    /// By host and port, in lower case.
    hosts: HashMap<String, SocketAddr>,
    requests: Vec<ProxyRequest>,
}

impl Proxy {
    /// Listens on a free port. It wants no credentials and knows no hosts yet.
    ///
    /// # Panics
    /// If the machine has no port or thread to spare.
    pub fn start() -> Self {
        let state = Arc::new(Mutex::new(State::default()));
        let asked = Arc::clone(&state);
        let started = Listener::start("proxy", ANY_PORT, move |stream| {
            serve(stream, Arc::clone(&asked))
        });
        match started {
            Ok(listener) => Self { state, listener },
            Err(error) => panic!("cannot listen on 127.0.0.1: {error}"),
        }
    }

    /// As in variables such as `HTTPS_PROXY`: `http://127.0.0.1:4711`.
    pub fn url(&self) -> String {
        format!("http://{}", self.listener.address())
    }

    /// The same with credentials: `http://user:password@127.0.0.1:4711`. They must be such as need no encoding in a URL.
    pub fn url_with(&self, user: &str, password: &str) -> String {
        format!("http://{user}:{password}@{}", self.listener.address())
    }

    /// Wants these credentials, as `Basic`, from now on, and answers 407 without them.
    pub fn require(&self, user: &str, password: &str) {
        let credentials = STANDARD.encode(format!("{user}:{password}"));
        locked(&self.state).wanted = Some(format!("Basic {credentials}"));
    }

    /// Redirects connections for a host and port, such as `github.example.com:443`, to an address.
    pub fn map(&self, host_and_port: &str, address: SocketAddr) {
        let host_and_port = host_and_port.to_ascii_lowercase();
        locked(&self.state).hosts.insert(host_and_port, address);
    }

    /// Handles requests in this mode from now on. Open tunnels stay open.
    pub fn set_mode(&self, mode: ProxyMode) {
        locked(&self.state).mode = mode;
    }

    /// All requests, in order.
    pub fn requests(&self) -> Vec<ProxyRequest> {
        locked(&self.state).requests.clone()
    }

    /// The number of connections accepted so far.
    pub fn connections(&self) -> usize {
        self.listener.accepted()
    }
}

/// The decision about a request.
enum Next {
    Connect(SocketAddr),
    Refuse(StatusCode),
    Hang,
}

impl State {
    /// Records the request.
    fn next(&mut self, request: &Request<Incoming>) -> Next {
        let sent = request.headers().get(header::PROXY_AUTHORIZATION);
        let authorized = match &self.wanted {
            None => true,
            Some(wanted) => sent.is_some_and(|sent| sent == wanted.as_str()),
        };
        self.requests.push(ProxyRequest {
            method: request.method().to_string(),
            target: request.uri().to_string(),
            authorized,
        });
        match self.mode {
            ProxyMode::Hang => Next::Hang,
            _ if !authorized => Next::Refuse(StatusCode::PROXY_AUTHENTICATION_REQUIRED),
            ProxyMode::Refuse(status) => {
                Next::Refuse(StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY))
            }
            ProxyMode::Forward => match host_and_port(request.uri()) {
                None => Next::Refuse(StatusCode::BAD_REQUEST),
                Some(target) => self
                    .address(&target)
                    .map_or(Next::Refuse(StatusCode::BAD_GATEWAY), Next::Connect),
            },
        }
    }

    fn address(&self, host_and_port: &str) -> Option<SocketAddr> {
        let known = self.hosts.get(host_and_port).copied();
        known.or_else(|| {
            if let Some(port) = host_and_port.strip_prefix("localhost:") {
                return Some((Ipv4Addr::LOCALHOST, port.parse().ok()?).into());
            }
            let address: SocketAddr = host_and_port.parse().ok()?;
            address.ip().is_loopback().then_some(address)
        })
    }
}

/// `None`: the target has no host, as if the client took the proxy for the server.
fn host_and_port(target: &Uri) -> Option<String> {
    let authority = target.authority()?;
    let (host, port) = (authority.host(), authority.port_u16());
    Some(format!("{host}:{}", port.unwrap_or(HTTP_PORT)).to_ascii_lowercase())
}

async fn serve(stream: TcpStream, state: Arc<Mutex<State>>) {
    let service = service_fn(|request| answer(request, Arc::clone(&state)));
    let serving = hyper::server::conn::http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    // An error here is a client that went away.
    let _ = serving.await;
}

async fn answer(
    request: Request<Incoming>,
    state: Arc<Mutex<State>>,
) -> Result<Answer, Infallible> {
    let next = locked(&state).next(&request);
    let passed_on = match next {
        Next::Hang => std::future::pending().await,
        Next::Refuse(status) => return Ok(refusal(status)),
        Next::Connect(address) => pass_on(request, address).await,
    };
    Ok(passed_on.unwrap_or_else(|_| refusal(StatusCode::BAD_GATEWAY)))
}

async fn pass_on(request: Request<Incoming>, address: SocketAddr) -> io::Result<Answer> {
    let server = TcpStream::connect(address).await?;
    // Only speed is lost without it.
    let _ = server.set_nodelay(true);
    if request.method() == Method::CONNECT {
        tokio::spawn(tunnel(request, server));
        return Ok(Response::new(Either::Left(Full::default())));
    }
    forward(request, server).await.map_err(io::Error::other)
}

async fn tunnel(request: Request<Incoming>, mut server: TcpStream) {
    if let Ok(client) = hyper::upgrade::on(request).await {
        // However it ends, both ends see it.
        let _ = tokio::io::copy_bidirectional(&mut TokioIo::new(client), &mut server).await;
    }
}

async fn forward(mut request: Request<Incoming>, server: TcpStream) -> hyper::Result<Answer> {
    let path = request.uri().path_and_query().cloned();
    *request.uri_mut() = path.map_or_else(Uri::default, Uri::from);
    request.headers_mut().remove(header::PROXY_AUTHORIZATION);
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(server)).await?;
    tokio::spawn(connection);
    sender
        .send_request(request)
        .await
        .map(|response| response.map(Either::Right))
}

fn refusal(status: StatusCode) -> Answer {
    let body = format!("The simulated proxy says {status}.\n");
    let mut response = Response::new(Either::Left(Full::from(body)));
    *response.status_mut() = status;
    if status == StatusCode::PROXY_AUTHENTICATION_REQUIRED {
        let challenge = HeaderValue::from_static("Basic realm=\"simulated proxy\"");
        response
            .headers_mut()
            .insert(header::PROXY_AUTHENTICATE, challenge);
    }
    response
}
