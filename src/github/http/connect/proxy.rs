//! Connections through a proxy, where there is one for the address.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{HeaderValue, Uri};
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_rustls::{HttpsConnector, MaybeHttpsStream};
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::client::legacy::connect::{Connected, Connection, HttpConnector};
use hyper_util::client::proxy::matcher::Matcher;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tower::{BoxError, Service};

use crate::github::base::ApiBase;
use crate::secrets::Secrets;

/// The proxies that the environment names, as addresses that were looked at before; empty for none.
#[derive(Clone, Default)]
pub struct Proxies {
    /// For https addresses.
    pub https: String,
    /// For http addresses.
    pub http: String,
    /// For those that have no other.
    pub all: String,
    /// Hosts for which there is none.
    pub no: String,
}

/// They may hold passwords.
impl std::fmt::Debug for Proxies {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

impl Proxies {
    /// The variable and the address of the proxy for this API, whatever it is, if there is one.
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
        // Any proxy that can be used tells whether this host needs one.
        let any = Matcher::builder().all("http://proxy").no(self.no.clone());
        let needed = any.build().intercept(api.uri()).is_some();
        (needed && !address.is_empty()).then_some((name, address))
    }

    /// Adds the users and passwords in their addresses to the secrets that nobody may see.
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

/// A way to GitHub, or to the proxy before it.
#[derive(Clone)]
pub(super) struct Route {
    proxies: Arc<Matcher>,
    direct: HttpConnector,
    to_proxy: HttpsConnector<HttpConnector>,
}

/// A connection, which may lead to a proxy that is to be told the whole address.
pub(super) struct Stream {
    stream: MaybeHttpsStream<TokioIo<TcpStream>>,
    proxied: bool,
}

/// What went wrong on the way to the proxy, or with it.
#[derive(Debug, thiserror::Error)]
#[error("the proxy could not be used")]
struct ProxyError(#[source] BoxError);

impl ProxyError {
    fn new(error: impl Into<BoxError>) -> Self {
        Self(error.into())
    }
}

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

    /// What a proxy that is told the whole address wants to see in the request.
    pub(super) fn authorization(&self, target: &Uri) -> Option<HeaderValue> {
        let proxy = self.proxies.intercept(target);
        let plain = target.scheme_str() == Some("http");
        proxy.filter(|_| plain)?.basic_auth().cloned()
    }
}

impl Service<Uri> for Route {
    type Response = Stream;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Stream, BoxError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        match self.to_proxy.poll_ready(context) {
            Poll::Ready(Ok(())) => self.direct.poll_ready(context).map_err(Into::into),
            other => other,
        }
    }

    fn call(&mut self, target: Uri) -> Self::Future {
        let Some(proxy) = self.proxies.intercept(&target) else {
            let stream = self.direct.call(target);
            return Box::pin(async move {
                Ok(Stream {
                    stream: MaybeHttpsStream::Http(stream.await?),
                    proxied: false,
                })
            });
        };
        if target.scheme_str() == Some("https") {
            let mut tunnel = Tunnel::new(proxy.uri().clone(), self.to_proxy.clone());
            if let Some(authorization) = proxy.basic_auth() {
                tunnel = tunnel.with_auth(authorization.clone());
            }
            let stream = tunnel.call(target);
            return Box::pin(async move {
                let stream = stream.await.map_err(ProxyError::new)?;
                Ok(Stream {
                    stream,
                    proxied: false,
                })
            });
        }
        let stream = self.to_proxy.call(proxy.uri().clone());
        Box::pin(async move {
            let stream = stream.await.map_err(ProxyError::new)?;
            Ok(Stream {
                stream,
                proxied: true,
            })
        })
    }
}

impl Connection for Stream {
    fn connected(&self) -> Connected {
        self.stream.connected().proxy(self.proxied)
    }
}

impl Read for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl Write for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, bytes)
    }
}
