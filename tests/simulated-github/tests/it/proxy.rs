//! The proxy, as a client behind it sees it.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use simulated_github::{Protocols, Proxy, ProxyMode, ProxyRequest};
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConnection, StreamOwned};

use crate::client::{TOKEN, World};
use crate::tls::{simulator, trusting};

/// The time that a client waits for a response that must come, and for one that must not.
const PATIENCE: Duration = Duration::from_secs(10);
const IMPATIENCE: Duration = Duration::from_millis(200);

fn asked(method: &str, target: &str, authorized: bool) -> ProxyRequest {
    ProxyRequest {
        method: method.to_owned(),
        target: target.to_owned(),
        authorized,
    }
}

fn ask(proxy: &Proxy, line: &str, headers: &str) -> (TcpStream, String) {
    ask_for(PATIENCE, proxy, line, headers)
}

/// Sends a request line and headers to the proxy, and reads the head of the answer, or as far as it comes in time.
fn ask_for(patience: Duration, proxy: &Proxy, line: &str, headers: &str) -> (TcpStream, String) {
    let url = proxy.url();
    let mut stream = TcpStream::connect(url.strip_prefix("http://").unwrap()).unwrap();
    stream.set_read_timeout(Some(patience)).unwrap();
    write!(stream, "{line} HTTP/1.1\r\nhost: x\r\n{headers}\r\n").unwrap();
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read(&mut byte) {
            Ok(1) => head.extend(byte),
            Ok(_) => break,
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::WouldBlock);
                break;
            }
        }
    }
    (stream, String::from_utf8(head).unwrap())
}

fn status(head: &str) -> &str {
    head.split(' ').nth(1).unwrap_or_default()
}

/// `Proxy-Authorization` for the user `ci` with the password `hunter2`.
const CREDENTIALS: &str = "proxy-authorization: Basic Y2k6aHVudGVyMg==\r\n";

#[test]
fn a_name_that_resolves_nowhere_is_reached_through_a_tunnel() {
    let (simulator, path) = simulator(Protocols::Http1);
    let proxy = Proxy::start();
    let line = "CONNECT git.corp.example:443";
    assert_eq!(status(&ask(&proxy, line, "").1), "502");
    proxy.map("git.corp.example:443", simulator.address());
    let (stream, head) = ask(&proxy, line, "");
    assert_eq!(status(&head), "200", "{head}");
    let name = ServerName::try_from("git.corp.example").unwrap();
    let config = Arc::new(trusting(simulator.ca_pem()));
    let mut tls = StreamOwned::new(ClientConnection::new(config, name).unwrap(), stream);
    write!(
        tls,
        "GET {path} HTTP/1.1\r\nhost: git.corp.example\r\nauthorization: Bearer {TOKEN}\r\nconnection: close\r\n\r\n"
    )
    .unwrap();
    let mut got = String::new();
    tls.read_to_string(&mut got).unwrap();
    assert_eq!(status(&got), "200", "{got}");
    assert!(got.contains("<https://git.corp.example/orgs/acme"), "{got}");
    assert_eq!(
        proxy.requests(),
        [
            asked("CONNECT", "git.corp.example:443", true),
            asked("CONNECT", "git.corp.example:443", true)
        ]
    );
    assert_eq!((proxy.connections(), simulator.connections()), (2, 1));
}

#[test]
fn requests_without_tls_are_passed_on() {
    let world = World::new();
    let (hook, id) = world.failed_attempt();
    let proxy = Proxy::start();
    proxy.map("ghe.corp.example:80", world.simulator.address());
    let url = format!("http://GHE.corp.example/orgs/acme/hooks/{hook}/deliveries/{id}/attempts");
    proxy.require("ci", "hunter2");
    let headers = format!("{CREDENTIALS}authorization: Bearer {TOKEN}\r\ncontent-length: 0\r\n");
    let (_stream, head) = ask(&proxy, &format!("POST {url}"), &headers);
    assert_eq!(status(&head), "202", "{head}");
    let github = world.simulator.github();
    assert_eq!(github.requested(hook), [id]);
    let [exchange] = github.requests() else {
        panic!("one request")
    };
    assert_eq!(
        exchange.path_and_query,
        url["http://GHE.corp.example".len()..]
    );
    assert!(!exchange.headers.contains_key("proxy-authorization"));
    assert_eq!(proxy.requests(), [asked("POST", &url, true)]);
}

#[test]
fn addresses_of_this_machine_need_no_map_and_others_are_not_sought() {
    let world = World::new();
    let proxy = Proxy::start();
    let port = world.simulator.address().port();
    let of = |host: &str| {
        let line = format!("GET http://{host}:{port}/rate_limit");
        let token = format!("authorization: Bearer {TOKEN}\r\n");
        let (_stream, head) = ask(&proxy, &line, &token);
        status(&head).to_owned()
    };
    assert_eq!(of("127.0.0.1"), "200");
    assert_eq!(of("localhost"), "200");
    assert_eq!(of("192.0.2.1"), "502");
    // It leads to this machine, but is not one of its addresses.
    assert_eq!(of("0.0.0.0"), "502");
    let nobody: SocketAddr = "127.0.0.1:1".parse().unwrap();
    proxy.map(&format!("gone.example:{port}"), nobody);
    assert_eq!(of("gone.example"), "502");
    assert_eq!(status(&ask(&proxy, "GET /rate_limit", "").1), "400");
}

#[test]
fn credentials_are_asked_for_where_they_are_wanted() {
    let world = World::new();
    let proxy = Proxy::start();
    proxy.require("ci", "hunter2");
    let address = world.simulator.address().to_string();
    let line = format!("CONNECT {address}");
    for wrong in ["", "proxy-authorization: Basic Y2k6aHVudGVyMw==\r\n"] {
        let (_stream, head) = ask(&proxy, &line, wrong);
        assert_eq!(status(&head), "407", "{head}");
        assert!(head.contains("proxy-authenticate: Basic realm="), "{head}");
    }
    assert_eq!(status(&ask(&proxy, &line, CREDENTIALS).1), "200");
    let authorized: Vec<bool> = proxy
        .requests()
        .iter()
        .map(|asked| asked.authorized)
        .collect();
    assert_eq!(authorized, [false, false, true]);
    assert_eq!(
        proxy.url_with("ci", "hunter2").replace("ci:hunter2@", ""),
        proxy.url()
    );
}

#[test]
fn a_proxy_can_refuse_or_hang() {
    let world = World::new();
    let proxy = Proxy::start();
    let line = format!("CONNECT {}", world.simulator.address());
    proxy.set_mode(ProxyMode::Refuse(502));
    assert_eq!(status(&ask(&proxy, &line, "").1), "502");
    proxy.set_mode(ProxyMode::Hang);
    let (mut stream, head) = ask_for(IMPATIENCE, &proxy, &line, "");
    assert_eq!(head, "");
    assert_eq!(
        stream.read(&mut [0]).unwrap_err().kind(),
        ErrorKind::WouldBlock
    );
    proxy.set_mode(ProxyMode::Forward);
    assert_eq!(status(&ask(&proxy, &line, "").1), "200");
    assert_eq!(proxy.requests().len(), 3);
}
