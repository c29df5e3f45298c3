//! Serves one connection.

use std::sync::Arc;

use http::uri::Scheme;
use http::{HeaderValue, Response, header};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use tokio::net::TcpStream;

use crate::body::ReplyBody;
use crate::reply::Ending;
use crate::request::Request;
use crate::server::{Shared, locked};
use crate::socket::{Reset, Socket, Stream};
use crate::tls::{Protocols, Tls};

/// Serves a connection that a client opened.
pub(crate) async fn serve(stream: TcpStream, tls: Option<Tls>, github: Shared) {
    let Some(tls) = tls else {
        return serve_http(stream, Scheme::HTTP, Protocols::Both, github).await;
    };
    // A client that does not trust the certificate says so and goes away; it sees why from its side.
    if let Ok(stream) = tls.acceptor.accept(stream).await {
        serve_http(stream, Scheme::HTTPS, tls.protocols, github).await;
    }
}

async fn serve_http(stream: impl Stream, scheme: Scheme, protocols: Protocols, github: Shared) {
    let (socket, reset) = Socket::new(stream);
    let service = service_fn(|request| {
        answer(
            request,
            scheme.clone(),
            Arc::clone(&github),
            Arc::clone(&reset),
        )
    });
    let builder = Builder::new(TokioExecutor::new());
    // A client need not name its protocol to TLS, so the server minds it too.
    let mut builder = match protocols {
        Protocols::Both => builder,
        Protocols::Http1 => builder.http1_only(),
        Protocols::Http2 => builder.http2_only(),
    };
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

/// Counts a request as in flight for as long as it lives.
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
    scheme: Scheme,
    github: Shared,
    reset: Arc<Reset>,
) -> Result<Response<ReplyBody>, hyper::Error> {
    let _under_way = UnderWay::new(Arc::clone(&github));
    let request = whole(request, scheme).await?;
    let (mut reply, latency, compresses, link) = {
        let mut github = locked(&github);
        let reply = github.respond(&request);
        (
            reply,
            github.latency,
            github.compresses,
            github.link.clone(),
        )
    };
    if compresses {
        reply.compress(&request.headers);
    }
    let wait = latency + reply.header_delay;
    if !wait.is_zero() {
        tokio::time::sleep(wait).await;
    }
    match reply.ending {
        Ending::Whole | Ending::CutBody | Ending::EndlessBody => Ok(reply.into_response_over(link)),
        Ending::ResetMidHeaders => {
            reset.ask_in_next_write();
            Ok(reply.into_response_over(link))
        }
        Ending::Reset => {
            reset.ask();
            std::future::pending::<Result<_, _>>().await
        }
        Ending::Hang => std::future::pending::<Result<_, _>>().await,
    }
}

async fn whole(request: http::Request<Incoming>, scheme: Scheme) -> Result<Request, hyper::Error> {
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
        scheme,
        version: head.version,
    })
}
