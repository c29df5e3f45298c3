//! The server: a thin shell round [`GitHub::respond`].

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use http::{HeaderValue, Response, header};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

use crate::body::Payload;
use crate::github::GitHub;
use crate::reply::{Ending, Reply};
use crate::request::Request;
use crate::socket::{Reset, Socket};

type Shared = Arc<Mutex<GitHub>>;

/// A running server: HTTP/1.1, and HTTP/2 for clients that begin with it, on 127.0.0.1.
///
/// It has a thread of its own, so tests need no runtime, and stops when dropped.
pub struct Simulator {
    github: Shared,
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Simulator {
    /// Serves on a free port.
    ///
    /// # Panics
    /// If the machine has none, or no thread to spare.
    pub fn start(github: GitHub) -> Self {
        match Self::start_on(github, 0) {
            Ok(simulator) => simulator,
            Err(error) => panic!("cannot serve on 127.0.0.1: {error}"),
        }
    }

    /// Serves on a port; 0 is a free one.
    ///
    /// # Errors
    /// When the port is taken, or the machine has no thread to spare.
    pub fn start_on(github: GitHub, port: u16) -> io::Result<Self> {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let listener = {
            let _context = runtime.enter();
            TcpListener::from_std(listener)?
        };
        let github = Arc::new(Mutex::new(github));
        let (stop, stopped) = oneshot::channel();
        let serving = serve(listener, Arc::clone(&github), stopped);
        let thread = std::thread::Builder::new()
            .name("simulated-github".to_owned())
            .spawn(move || runtime.block_on(serving))?;
        Ok(Self {
            github,
            address,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// The API's base address: `http://127.0.0.1:4711`, or `http://127.0.0.1:4711/api/v3` for Enterprise Server.
    pub fn url(&self) -> String {
        format!("http://{}{}", self.address, self.github().base_path())
    }

    /// The state, to look at or to change; no request is answered while this is held.
    pub fn github(&self) -> MutexGuard<'_, GitHub> {
        locked(&self.github)
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic of the thread has been printed by then, and a test has failed over it.
            let _ = thread.join();
        }
    }
}

/// A test that failed while it held the state is no reason to hide what the state was.
fn locked(github: &Mutex<GitHub>) -> MutexGuard<'_, GitHub> {
    github.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn serve(listener: TcpListener, github: Shared, mut stopped: oneshot::Receiver<()>) {
    loop {
        tokio::select! {
            _ = &mut stopped => return,
            accepted = listener.accept() => {
                // A client that is gone before it was accepted is no matter of ours.
                if let Ok((stream, _)) = accepted {
                    tokio::spawn(connection(stream, Arc::clone(&github)));
                }
            }
        }
    }
}

async fn connection(stream: TcpStream, github: Shared) {
    let (socket, reset) = Socket::new(stream);
    let service = service_fn(|request| answer(request, Arc::clone(&github), Arc::clone(&reset)));
    let mut builder = Builder::new(TokioExecutor::new());
    // The date is the simulation's.
    builder.http1().auto_date_header(false);
    builder.http2().auto_date_header(false);
    let serving = builder.serve_connection(TokioIo::new(socket), service);
    tokio::select! {
        // An error here is a client that went away or a fault on demand; the client sees it from its side.
        _ = serving => {}
        () = reset.asked() => {}
    }
}

/// Counts a request as under way for as long as it lives.
struct UnderWay(Shared);

impl UnderWay {
    fn new(github: Shared) -> Self {
        locked(&github).enter();
        Self(github)
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        locked(&self.0).leave();
    }
}

async fn answer(
    request: http::Request<Incoming>,
    github: Shared,
    reset: Arc<Reset>,
) -> Result<Response<Payload>, hyper::Error> {
    let _under_way = UnderWay::new(Arc::clone(&github));
    let request = whole(request).await?;
    let (reply, latency) = {
        let mut github = locked(&github);
        (github.respond(&request), github.latency)
    };
    if !latency.is_zero() {
        tokio::time::sleep(latency).await;
    }
    match reply.ending {
        Ending::Whole | Ending::CutBody => Ok(response(reply)),
        Ending::Reset => {
            reset.ask();
            std::future::pending::<Result<_, _>>().await
        }
        Ending::Hang => std::future::pending::<Result<_, _>>().await,
    }
}

async fn whole(request: http::Request<Incoming>) -> Result<Request, hyper::Error> {
    let (mut head, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    if let Some(host) = head
        .uri
        .authority()
        .and_then(|authority| HeaderValue::from_str(authority.as_str()).ok())
    {
        head.headers.entry(header::HOST).or_insert(host);
    }
    let path_and_query = head
        .uri
        .path_and_query()
        .map_or("/", |path| path.as_str())
        .to_owned();
    Ok(Request {
        method: head.method,
        path_and_query,
        headers: head.headers,
        body,
    })
}

fn response(reply: Reply) -> Response<Payload> {
    let length = reply.body.len();
    let cut = reply.ending == Ending::CutBody;
    let mut response = Response::new(if cut {
        Payload::cut(reply.body)
    } else {
        Payload::whole(reply.body)
    });
    *response.status_mut() =
        http::StatusCode::from_u16(reply.status).unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR);
    *response.headers_mut() = reply.headers;
    if cut {
        response
            .headers_mut()
            .insert(header::CONTENT_LENGTH, HeaderValue::from(length.max(2)));
    }
    response
}
