//! Connections to GitHub: proxies, TLS, HTTP/1.1 and 2.
//!
//! Outside of this service the error of a connection is type-erased, so this module distinguishes requests that
//! certainly did not reach GitHub from those that may have.

mod proxy;
mod trust;

use std::error::Error;
use std::io;
use std::path::PathBuf;
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
use rustls::CertificateError;
use tokio::time::timeout;
use tower::{BoxError, Service};

use crate::github::failure::request_error::RequestError;
use proxy::Route;
use trust::UnknownAuthority;

pub use proxy::Proxies;
pub use trust::{CaCertificates, TrustError};

/// Longest wait for a connection, proxy and TLS included.
const CONNECT: Duration = Duration::from_secs(10);

/// Time for which an idle connection is kept. GitHub closes its own after a minute.
const IDLE: Duration = Duration::from_secs(45);

/// The network between this machine and GitHub.
#[derive(Clone, Debug, Default)]
pub struct Network {
    /// The proxies to go through.
    pub proxies: Proxies,
    /// Further trusted roots.
    pub ca_certificates: Option<CaCertificates>,
    /// A file with more of them, which may be meant for another tool.
    pub ssl_cert_file: Option<PathBuf>,
}

type Https = HttpsConnector<Route>;

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
pub(crate) struct Connections {
    client: legacy::Client<Connector, OctoBody>,
}

impl Connections {
    /// Connections over this network, and warnings about its settings.
    pub(crate) fn new(network: &Network) -> Result<(Self, Vec<String>), TrustError> {
        let ssl_cert_file = network.ssl_cert_file.as_deref();
        let (roots, warnings) = trust::roots(network.ca_certificates.as_ref(), ssl_cert_file)?;
        let tls = trust::tls(roots)?;
        let mut http = HttpConnector::new();
        http.enforce_http(false);
        http.set_nodelay(true);
        let to_proxy = HttpsConnectorBuilder::new()
            .with_tls_config(tls.clone())
            .https_or_http()
            .enable_http1()
            .wrap_connector(http.clone());
        let route = Route::new(Arc::new(network.proxies.matcher()), http, to_proxy);
        let https = HttpsConnectorBuilder::new()
            .with_tls_config(tls)
            .https_or_http()
            .enable_all_versions()
            .wrap_connector(route);
        let client = legacy::Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .build(Connector(https));
        Ok((Self { client }, warnings))
    }
}

impl Service<Request<OctoBody>> for Connections {
    type Response = Response<Incoming>;
    type Error = RequestError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, RequestError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), RequestError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<OctoBody>) -> Self::Future {
        let response = self.client.request(request);
        Box::pin(async { response.await.map_err(|error| classify(&error)) })
    }
}

/// Decides whether the request certainly did not reach GitHub, or may have.
fn classify(error: &legacy::Error) -> RequestError {
    if let Some(rustls::Error::InvalidCertificate(error)) = tls_error(error) {
        let unknown = match error {
            CertificateError::Other(other) => other.0.downcast_ref::<UnknownAuthority>(),
            _ => None,
        };
        return match unknown {
            Some(unknown) => RequestError::UnknownAuthority(unknown.to_string()),
            None => RequestError::BadCertificate(error.to_string()),
        };
    }
    let text = chain(error);
    if error.is_connect() {
        RequestError::Unsent(text)
    } else {
        RequestError::Unclear(text)
    }
}

/// The error of TLS, if TLS failed.
fn tls_error(error: &legacy::Error) -> Option<&rustls::Error> {
    let mut cause: Option<&(dyn Error + 'static)> = error.source();
    while let Some(error) = cause {
        if let Some(tls) = error.downcast_ref() {
            return Some(tls);
        }
        // An I/O error does not count the error that it wraps among its causes.
        cause = match error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref)
        {
            Some(wrapped) => Some(wrapped),
            None => error.source(),
        };
    }
    None
}

/// The text of an error with its causes, which hyper leaves out of its own texts.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        // Wrappers often repeat the error that they wrap.
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = error.source();
    }
    text
}
