//! The server round it all.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use simulated_github::{Access, Fault, GitHub, Request, Simulator};

use crate::client::{TOKEN, World};

fn request(world: &World, path: &str) -> http::Request<Full<Bytes>> {
    let uri = format!("{}{path}", world.simulator.url());
    http::Request::builder()
        .uri(uri)
        .header("authorization", format!("Bearer {TOKEN}"))
        .body(Full::default())
        .unwrap()
}

#[tokio::test]
async fn http_2_is_served_to_clients_that_begin_with_it() {
    let world = tokio::task::spawn_blocking(World::new).await.unwrap();
    let hook = world.webhook(3);
    let client = Client::builder(TokioExecutor::new())
        .http2_only(true)
        .build_http();
    let path = format!("/orgs/acme/hooks/{hook}/deliveries?per_page=2");
    let response = client.request(request(&world, &path)).await.unwrap();
    assert_eq!(
        (response.version(), response.status().as_u16()),
        (http::Version::HTTP_2, 200)
    );
    let url = world.simulator.url();
    assert!(
        response.headers()["link"]
            .to_str()
            .unwrap()
            .starts_with(&format!("<{url}/"))
    );
    world
        .simulator
        .github()
        .add_fault(Fault::on("GET", "/deliveries").reset());
    assert!(client.request(request(&world, &path)).await.is_err());
    world
        .simulator
        .github()
        .add_fault(Fault::on("GET", "/deliveries").cut_body());
    let cut = client.request(request(&world, &path)).await.unwrap();
    assert!(cut.into_body().collect().await.is_err());
    tokio::task::spawn_blocking(move || drop(world))
        .await
        .unwrap();
}

#[tokio::test]
async fn bodies_are_compressed_for_those_who_accept_gzip() {
    let world = tokio::task::spawn_blocking(World::new).await.unwrap();
    let client = Client::builder(TokioExecutor::new()).build_http();
    let send = async |accepted: Option<&'static str>| {
        let mut request = request(&world, "/orgs/acme/hooks");
        if let Some(accepted) = accepted {
            let accepted = http::HeaderValue::from_static(accepted);
            request.headers_mut().insert("accept-encoding", accepted);
        }
        let (head, body) = client.request(request).await.unwrap().into_parts();
        let coding = head.headers.get("content-encoding").cloned();
        (coding, body.collect().await.unwrap().to_bytes())
    };
    let plain = (None, bytes::Bytes::from_static(b"[]"));
    assert_eq!(send(None).await, plain);
    assert_eq!(send(Some("br, identity")).await, plain);
    let (coding, body) = send(Some("br, GZIP")).await;
    assert_eq!(coding.unwrap(), "gzip");
    let mut whole = String::new();
    std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(&*body), &mut whole).unwrap();
    assert_eq!(whole, "[]");
    world.simulator.github().compresses = false;
    assert_eq!(send(Some("gzip")).await, plain);
    tokio::task::spawn_blocking(move || drop(world))
        .await
        .unwrap();
}

#[tokio::test]
async fn requests_under_way_at_once_are_counted() {
    let world = tokio::task::spawn_blocking(World::new).await.unwrap();
    world.simulator.github().latency = Duration::from_millis(300);
    let client = Client::builder(TokioExecutor::new()).build_http();
    let send = || client.request(request(&world, "/orgs/acme/hooks"));
    let begun = std::time::Instant::now();
    let (a, b, c) = tokio::join!(send(), send(), send());
    assert!(begun.elapsed() >= Duration::from_millis(300));
    assert_eq!(
        [a, b, c].map(|answer| answer.unwrap().status().as_u16()),
        [200; 3]
    );
    assert_eq!(world.simulator.github().most_in_flight(), 3);
    tokio::task::spawn_blocking(move || drop(world))
        .await
        .unwrap();
}

#[test]
fn a_server_stops_when_dropped() {
    let simulator = Simulator::start(GitHub::new());
    let address = simulator.url().strip_prefix("http://").unwrap().to_owned();
    let _idle = std::net::TcpStream::connect(&address).unwrap();
    drop(simulator);
    assert!(std::net::TcpStream::connect(&address).is_err());
}

#[test]
fn a_port_that_is_taken_is_an_error() {
    let simulator = Simulator::start(GitHub::new());
    assert!(Simulator::start_on(GitHub::new(), simulator.address()).is_err());
}

#[test]
fn what_was_sent_is_recorded() {
    let world = World::new();
    world.post(
        "/repos/acme/ops/actions/variables?x=1",
        Some(serde_json::json!({ "name": "A", "value": "1" })),
    );
    world.simulator.github().record_answers = false;
    world.get("/orgs/acme/hooks");
    let url = world.simulator.url();
    let github = world.simulator.github();
    let [first, second] = github.requests() else {
        panic!("two requests")
    };
    assert_eq!(
        (first.method.as_str(), first.path_and_query.as_str()),
        ("POST", "/repos/acme/ops/actions/variables?x=1")
    );
    assert_eq!(first.headers["authorization"], format!("Bearer {TOKEN}"));
    assert_eq!(first.body, br#"{"name":"A","value":"1"}"#);
    assert_eq!(
        (first.status, &first.answer[..], first.answer_recorded),
        (201, &b"{}"[..], true)
    );
    assert_eq!(first.at, world.clock.now());
    assert!(url.ends_with(&first.host), "{}", first.host);
    assert_eq!(
        (
            second.status,
            second.answer.is_empty(),
            second.answer_recorded
        ),
        (200, true, false)
    );
}

#[test]
fn the_state_answers_without_a_server() {
    let mut github = GitHub::new();
    github.add_organization("acme");
    github.add_token("t", Access::admin());
    let reply = github.respond(&Request::new(http::Method::GET, "/orgs/acme/hooks").bearer("t"));
    assert_eq!((reply.status, &reply.body[..]), (200, &b"[]"[..]));
}
