//! Connections to GitHub: TLS, HTTP/1.1 and 2, and what became of a request that failed.
//!
//! Outside of this service a transport's error is type-erased, so whether a request certainly did
//! not reach GitHub is found out here.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::{Request, Response, Uri};
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use octocrab::OctoBody;
use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};
use tokio::time::timeout;
use tower::{BoxError, Service};

use super::error::RequestError;

/// Longest wait for a connection, TLS included.
const CONNECT: Duration = Duration::from_secs(10);

/// How long an idle connection is kept. GitHub closes its own after a minute.
const IDLE: Duration = Duration::from_secs(45);

type Https = HttpsConnector<HttpConnector>;

/// Opens connections, within [`CONNECT`].
#[derive(Clone)]
struct Connector(Https);

impl Service<Uri> for Connector {
    type Response = <Https as Service<Uri>>::Response;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, target: Uri) -> Self::Future {
        let connection = self.0.call(target);
        Box::pin(async {
            match timeout(CONNECT, connection).await {
                Ok(connection) => connection,
                Err(_) => Err(format!("no connection within {} s", CONNECT.as_secs()).into()),
            }
        })
    }
}

/// Sends requests over pooled connections.
#[derive(Clone)]
pub(super) struct Transport {
    client: legacy::Client<Connector, OctoBody>,
}

impl Transport {
    /// A transport that trusts the certificate authorities compiled into this binary: the image
    /// holds no others.
    pub(super) fn new() -> Result<Self, rustls::Error> {
        let roots = RootCertStore {
            roots: webpki_roots::TLS_SERVER_ROOTS.into(),
        };
        let tls = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let mut http = HttpConnector::new();
        http.enforce_http(false);
        http.set_nodelay(true);
        let https = HttpsConnectorBuilder::new()
            .with_tls_config(tls)
            .https_or_http()
            .enable_all_versions()
            .wrap_connector(http);
        let client = legacy::Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .build(Connector(https));
        Ok(Self { client })
    }
}

impl Service<Request<OctoBody>> for Transport {
    type Response = Response<Incoming>;
    type Error = RequestError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, RequestError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), RequestError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<OctoBody>) -> Self::Future {
        let answer = self.client.request(request);
        Box::pin(async { answer.await.map_err(|error| classify(&error)) })
    }
}

/// Whether the request certainly did not reach GitHub, or may have.
fn classify(error: &legacy::Error) -> RequestError {
    let words = chain(error);
    if error.is_connect() {
        RequestError::Unsent(words)
    } else {
        RequestError::Unclear(words)
    }
}

/// An error with its causes, which hyper keeps out of its own words.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        // Wrappers often repeat what they wrap.
        if !words.contains(&more) {
            words = format!("{words}: {more}");
        }
        cause = error.source();
    }
    words
}
