//! Connections through a proxy.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::Uri;
use hyper_rustls::{HttpsConnector, MaybeHttpsStream};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::client::proxy::matcher::Matcher;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tower::{BoxError, Service};

use crate::github::base::ApiBase;
use crate::secrets::Secrets;

/// The proxies that the environment names, as addresses; empty if there is no proxy.
#[derive(Clone, Default)]
pub struct Proxies {
    /// The proxy for https addresses.
    pub https: String,
    /// The proxy for http addresses, which is not used: such an API behind a proxy is an input error.
    pub http: String,
    /// The proxy for addresses that have no other.
    pub all: String,
    /// Hosts that need no proxy.
    pub no: String,
}

/// Hides the addresses, which may hold passwords.
impl std::fmt::Debug for Proxies {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

impl Proxies {
    /// The variable and the address of the proxy for this API, if there is one. The address may be unusable.
    pub fn used_for(&self, api: &ApiBase) -> Option<(&'static str, &str)> {
        let (name, own) = match api.uri().scheme_str() {
            Some("http") => ("HTTP_PROXY", &self.http),
            _ => ("HTTPS_PROXY", &self.https),
        };
        let (name, address) = if own.is_empty() {
            ("ALL_PROXY", &self.all)
        } else {
            (name, own)
        };
        // A proxy that is certainly usable reveals whether this host needs one.
        let any = Matcher::builder().all("http://proxy").no(self.no.clone());
        let needed = any.build().intercept(api.uri()).is_some();
        (needed && !address.is_empty()).then_some((name, address))
    }

    /// Adds the users and passwords in the addresses to the known secrets.
    pub fn hide_in(&self, secrets: &Secrets) {
        for address in [&self.https, &self.http, &self.all] {
            secrets.add_user_of(address);
        }
    }

    pub(super) fn matcher(&self) -> Matcher {
        Matcher::builder()
            .https(self.https.clone())
            .http(self.http.clone())
            .all(self.all.clone())
            .no(self.no.clone())
            .build()
    }
}

/// Connects to GitHub, through a proxy if one is named for the address.
#[derive(Clone)]
pub(super) struct Route {
    proxies: Arc<Matcher>,
    direct: HttpConnector,
    to_proxy: HttpsConnector<HttpConnector>,
}

/// A failure to reach the proxy, or to get through it.
#[derive(Debug, thiserror::Error)]
#[error("the proxy could not be used")]
struct ProxyError(#[source] BoxError);

impl Route {
    pub(super) fn new(
        proxies: Arc<Matcher>,
        direct: HttpConnector,
        to_proxy: HttpsConnector<HttpConnector>,
    ) -> Self {
        Self {
            proxies,
            direct,
            to_proxy,
        }
    }
}

impl Service<Uri> for Route {
    type Response = MaybeHttpsStream<TokioIo<TcpStream>>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        match self.to_proxy.poll_ready(context) {
            Poll::Ready(Ok(())) => self.direct.poll_ready(context).map_err(Into::into),
            other => other,
        }
    }

    fn call(&mut self, target: Uri) -> Self::Future {
        let Some(proxy) = self.proxies.intercept(&target) else {
            let stream = self.direct.call(target);
            return Box::pin(async move { Ok(MaybeHttpsStream::Http(stream.await?)) });
        };
        let mut tunnel = Tunnel::new(proxy.uri().clone(), self.to_proxy.clone());
        if let Some(authorization) = proxy.basic_auth() {
            tunnel = tunnel.with_auth(authorization.clone());
        }
        let stream = tunnel.call(target);
        Box::pin(async move { Ok(stream.await.map_err(|error| ProxyError(error.into()))?) })
    }
}
