//! TLS, protocol versions and connections.

use std::sync::Arc;

use bytes::Bytes;
use http::{Response, Version};
use http_body_util::{BodyExt, Full};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use simulated_github::{Access, Attempt, CERTIFICATE_NAMES, GitHub, Protocols, Simulator, Webhook};
use simulated_github::{Fault, guid};
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto::ring};

use crate::client::{TOKEN, organization};

type Https = Client<HttpsConnector<HttpConnector>, Full<Bytes>>;

/// A server whose organization `acme` has a webhook with two attempts: the server, and the path of the log's first page.
pub(crate) fn simulator(protocols: Protocols) -> (Simulator, String) {
    let mut github = GitHub::new();
    github.add_token(TOKEN, Access::admin());
    github.add_repository("acme", "ops");
    let hook = github.add_webhook(organization(), Webhook::new("https://ci.example.com/hook"));
    for n in 1..=2 {
        let attempt = Attempt::ok(guid(n), github.now());
        github.webhook_mut(hook).log(attempt);
    }
    let path = format!("/orgs/acme/hooks/{hook}/deliveries?per_page=1");
    (Simulator::start_tls(github, protocols), path)
}

/// Settings of a client that trusts this authority and no other.
pub(crate) fn trusting(ca_pem: &str) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    let ca = CertificateDer::from_pem_slice(ca_pem.as_bytes()).unwrap();
    roots.add(ca).unwrap();
    ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth()
}

/// A client that offers HTTP/2 and HTTP/1.1.
fn client(ca_pem: &str) -> Https {
    let connector = HttpsConnectorBuilder::new()
        .with_tls_config(trusting(ca_pem))
        .https_only()
        .enable_all_versions()
        .build();
    Client::builder(TokioExecutor::new()).build(connector)
}

async fn get(client: &Https, url: &str) -> Result<Response<Bytes>, String> {
    let request = http::Request::get(url)
        .header("authorization", format!("Bearer {TOKEN}"))
        .body(Full::default())
        .unwrap();
    let response = client.request(request).await;
    let (head, body) = response.map_err(|error| format!("{error:?}"))?.into_parts();
    let body = body.collect().await.map_err(|error| format!("{error:?}"))?;
    Ok(Response::from_parts(head, body.to_bytes()))
}

#[tokio::test]
async fn a_client_that_trusts_the_authority_is_served_over_one_connection() {
    let (simulator, path) = simulator(Protocols::Both);
    let url = simulator.url();
    assert!(url.starts_with("https://127.0.0.1:"), "{url}");
    let client = client(simulator.ca_pem());
    for _ in 0..3 {
        let response = get(&client, &format!("{url}{path}")).await.unwrap();
        assert_eq!(
            (response.status().as_u16(), response.version()),
            (200, Version::HTTP_2)
        );
    }
    assert_eq!(simulator.connections(), 1);
    let versions: Vec<Version> = simulator
        .github()
        .requests()
        .iter()
        .map(|exchange| exchange.version)
        .collect();
    assert_eq!(versions, [Version::HTTP_2; 3]);
}

#[tokio::test]
async fn a_server_keeps_to_the_version_it_was_told() {
    for (protocols, version) in [
        (Protocols::Http1, Version::HTTP_11),
        (Protocols::Http2, Version::HTTP_2),
    ] {
        let (simulator, path) = simulator(protocols);
        let url = format!("{}{path}", simulator.url());
        let response = get(&client(simulator.ca_pem()), &url).await.unwrap();
        assert_eq!(response.version(), version);
        assert_eq!(simulator.github().requests()[0].version, version);
    }
}

#[tokio::test]
async fn a_client_that_has_another_version_and_does_not_say_so_is_not_served() {
    for protocols in [Protocols::Http1, Protocols::Http2] {
        let (simulator, path) = simulator(protocols);
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(trusting(simulator.ca_pem()))
            .https_only()
            .enable_http1()
            .build();
        let client = Client::builder(TokioExecutor::new())
            .http2_only(protocols == Protocols::Http1)
            .build(connector);
        let url = format!("{}{path}", simulator.url());
        assert!(get(&client, &url).await.is_err(), "{protocols:?}");
    }
}

#[tokio::test]
async fn links_are_https_as_the_request_was() {
    let (simulator, path) = simulator(Protocols::Both);
    let url = simulator.url();
    let client = client(simulator.ca_pem());
    let page = get(&client, &format!("{url}{path}")).await.unwrap();
    let link = page.headers()["link"].to_str().unwrap();
    assert!(link.starts_with(&format!("<{url}/orgs/")), "{link}");
    let hooks = get(&client, &format!("{url}/orgs/acme/hooks")).await;
    let hooks = String::from_utf8(hooks.unwrap().into_body().to_vec()).unwrap();
    assert!(hooks.contains(&format!("\"{url}/orgs/acme/hooks/")) && !hooks.contains("http://"));
    let repositories = get(&client, &format!("{url}/user/repos")).await.unwrap();
    let repositories = String::from_utf8(repositories.into_body().to_vec()).unwrap();
    assert!(
        repositories.contains(&format!("\"html_url\":\"{url}/acme/ops\""))
            && !repositories.contains("http://"),
        "{repositories}"
    );
}

#[tokio::test]
async fn a_client_that_trusts_another_authority_sends_nothing() {
    let (simulator, path) = simulator(Protocols::Both);
    let (other, _) = self::simulator(Protocols::Both);
    let url = format!("{}{path}", simulator.url());
    let error = get(&client(other.ca_pem()), &url).await.unwrap_err();
    assert!(
        error.contains("BadSignature") || error.contains("UnknownIssuer"),
        "{error}"
    );
    assert!(simulator.github().requests().is_empty());
    assert_eq!(simulator.connections(), 1);
}

#[tokio::test]
async fn the_certificate_is_valid_for_its_names_and_no_other() {
    let (simulator, _) = simulator(Protocols::Both);
    let config = Arc::new(trusting(simulator.ca_pem()));
    let connect = async |name: &str| {
        let stream = tokio::net::TcpStream::connect(simulator.address());
        let stream = stream.await.unwrap();
        let name = ServerName::try_from(name.to_owned()).unwrap();
        tokio_rustls::TlsConnector::from(Arc::clone(&config))
            .connect(name, stream)
            .await
    };
    for name in CERTIFICATE_NAMES {
        assert!(connect(name).await.is_ok(), "{name}");
    }
    assert!(connect("other.example.com").await.is_err());
}

#[tokio::test]
async fn a_connection_is_reset_under_tls_too() {
    let (simulator, path) = simulator(Protocols::Both);
    let url = format!("{}{path}", simulator.url());
    let client = client(simulator.ca_pem());
    let fault = Fault::on("GET", "/deliveries").reset();
    simulator.github().add_fault(fault);
    let error = get(&client, &url).await.unwrap_err();
    assert!(error.contains("ConnectionReset"), "{error}");
    assert!(get(&client, &url).await.is_ok());
    assert_eq!(simulator.connections(), 2);
}

#[tokio::test]
async fn headers_break_off_under_tls_and_http_2_too() {
    for protocols in [Protocols::Http1, Protocols::Http2] {
        let (simulator, path) = simulator(protocols);
        let url = format!("{}{path}", simulator.url());
        let client = client(simulator.ca_pem());
        assert!(get(&client, &url).await.is_ok());
        let fault = Fault::on("GET", "/deliveries").reset_mid_headers();
        simulator.github().add_fault(fault);
        let error = get(&client, &url).await.unwrap_err();
        assert!(error.contains("ConnectionReset"), "{error}");
        assert!(get(&client, &url).await.is_ok());
        assert_eq!(
            (simulator.connections(), simulator.github().requests().len()),
            (2, 3)
        );
    }
}

#[test]
#[should_panic(expected = "a server without TLS has no certificate")]
fn a_server_without_tls_has_no_certificate() {
    Simulator::start(GitHub::new()).ca_pem();
}
