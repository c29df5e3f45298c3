//! Each fault, as a client sees it.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use http::Method;
use serde_json::json;
use simulated_github::Fault;

use crate::client::{TOKEN, World};

/// The time after which a client is sure that no response comes.
const PATIENCE: Duration = Duration::from_millis(200);

/// Sends a request on a bare connection.
pub(crate) fn open(world: &World, method: &str, path: &str) -> TcpStream {
    let mut stream = TcpStream::connect(world.simulator.address()).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let length = match method {
        "GET" => "",
        _ => "content-length: 0\r\n",
    };
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {TOKEN}\r\n{length}\r\n"
    )
    .unwrap();
    stream
}

/// Sends a request on a bare connection, and reads until it ends.
fn bare(world: &World, method: &str, path: &str) -> (Vec<u8>, std::io::Result<usize>) {
    let mut stream = open(world, method, path);
    let mut got = Vec::new();
    let end = stream.read_to_end(&mut got);
    (got, end)
}

fn attempts_path(hook: u64, id: u64) -> String {
    format!("/orgs/acme/hooks/{hook}/deliveries/{id}/attempts")
}

#[test]
fn a_status_comes_in_place_of_the_answer_and_nothing_is_done() {
    let world = World::new();
    let (hook, id) = world.failed_attempt();
    let fault = Fault::on("POST", "/attempts")
        .status(502, "<html>Unicorn</html>")
        .header("retry-after", "7");
    world.simulator.github().add_fault(fault);
    let got = world.redeliver(hook, id);
    assert_eq!(
        (got.status, &got.body[..]),
        (502, &b"<html>Unicorn</html>"[..])
    );
    assert_eq!(got.header("retry-after"), Some("7"));
    assert_eq!(got.header("content-type"), Some("text/html; charset=utf-8"));
    assert!(world.simulator.github().requested(hook).is_empty());
    assert_eq!(world.redeliver(hook, id).status, 202);
    let faulted: Vec<bool> = world
        .simulator
        .github()
        .requests()
        .iter()
        .map(|exchange| exchange.faulted)
        .collect();
    assert_eq!(faulted, [true, false]);
}

#[test]
fn a_request_can_take_effect_although_it_is_answered_with_an_error() {
    let world = World::new();
    let (hook, id) = world.failed_attempt();
    world
        .simulator
        .github()
        .add_fault(Fault::on("POST", "/attempts").status(500, "").act_first());
    assert_eq!(world.redeliver(hook, id).status, 500);
    assert_eq!(world.simulator.github().requested(hook), [id]);
}

#[test]
fn a_fault_hits_the_requests_it_was_told_to() {
    let world = World::new();
    world
        .simulator
        .github()
        .add_fault(Fault::on("get", "/hooks").nth(2).times(2).status(503, ""));
    let statuses = |n: usize| -> Vec<u16> {
        (0..n)
            .map(|_| world.get("/orgs/acme/hooks").status)
            .collect()
    };
    world.get("/repos/acme/ops/actions/variables");
    world.post("/orgs/acme/hooks", None);
    assert_eq!(statuses(4), [200, 503, 503, 200]);
    world
        .simulator
        .github()
        .add_fault(Fault::on("*", "/hooks").always().status(500, ""));
    assert_eq!(statuses(3), [500; 3]);
    world.simulator.github().clear_faults();
    assert_eq!(statuses(1), [200]);
}

#[test]
fn headers_can_be_replaced_and_left_out_of_a_normal_answer() {
    let world = World::new();
    let fault = Fault::on("GET", "/hooks")
        .header("x-ratelimit-remaining", "0")
        .without_header("date");
    world.simulator.github().add_fault(fault);
    let got = world.get("/orgs/acme/hooks");
    assert_eq!((got.status, got.json()), (200, json!([])));
    assert_eq!(got.header("x-ratelimit-remaining"), Some("0"));
    assert_eq!(got.header("date"), None);
}

#[test]
fn a_body_can_be_replaced() {
    let world = World::new();
    world
        .simulator
        .github()
        .add_fault(Fault::on("GET", "/hooks").body("not json"));
    let got = world.get("/orgs/acme/hooks");
    assert_eq!((got.status, &got.body[..]), (200, &b"not json"[..]));
}

#[test]
fn a_link_can_lead_elsewhere() {
    let world = World::new();
    let hook = world.webhook(1);
    world
        .simulator
        .github()
        .add_fault(Fault::on("GET", "/deliveries").link_next("https://elsewhere.example.com/"));
    let got = world.get(&format!("/orgs/acme/hooks/{hook}/deliveries"));
    assert_eq!(
        got.link("next").as_deref(),
        Some("https://elsewhere.example.com/")
    );
    assert_eq!(got.json().as_array().unwrap().len(), 1);
}

#[test]
fn a_reset_is_a_reset_and_comes_before_or_after_the_deed() {
    let world = World::new();
    let (hook, id) = world.failed_attempt();
    world
        .simulator
        .github()
        .add_fault(Fault::on("POST", "/attempts").reset());
    let (got, end) = bare(&world, "POST", &attempts_path(hook, id));
    assert!(got.is_empty());
    assert_eq!(end.unwrap_err().kind(), ErrorKind::ConnectionReset);
    assert!(world.simulator.github().requested(hook).is_empty());
    world
        .simulator
        .github()
        .add_fault(Fault::on("POST", "/attempts").reset_after());
    let (_, end) = bare(&world, "POST", &attempts_path(hook, id));
    assert_eq!(end.unwrap_err().kind(), ErrorKind::ConnectionReset);
    assert_eq!(world.simulator.github().requested(hook), [id]);
    let github = world.simulator.github();
    assert!(
        github
            .requests()
            .iter()
            .all(|exchange| exchange.status == 0 && exchange.answer.is_empty())
    );
}

#[test]
fn a_hyper_client_sees_a_reset_as_no_answer() {
    let world = World::new();
    world
        .simulator
        .github()
        .add_fault(Fault::on("GET", "/hooks").reset());
    let error = world
        .try_send(Method::GET, "/orgs/acme/hooks", None)
        .err()
        .unwrap();
    assert!(error.starts_with("no answer"), "{error}");
    assert_eq!(world.get("/orgs/acme/hooks").status, 200);
}

#[test]
fn a_reset_can_come_in_the_middle_of_the_headers() {
    let world = World::new();
    let (hook, id) = world.failed_attempt();
    let fault = Fault::on("POST", "/attempts").reset_mid_headers();
    world.simulator.github().add_fault(fault);
    let (got, end) = bare(&world, "POST", &attempts_path(hook, id));
    let got = String::from_utf8(got).unwrap();
    assert!(got.starts_with("HTTP/1.1 202 Accepted\r\n"), "{got:?}");
    assert!(!got.contains("\r\n\r\n"), "{got:?}");
    assert_eq!(end.unwrap_err().kind(), ErrorKind::ConnectionReset);
    assert_eq!(world.simulator.github().requested(hook), [id]);
    assert_eq!(world.simulator.github().requests()[0].status, 0);
    assert_eq!(world.get("/orgs/acme/hooks").status, 200);
}

#[test]
fn a_wait_can_be_told_in_seconds_and_as_a_date() {
    let world = World::new();
    for (n, wait) in ["120", "Wed, 21 Oct 2026 07:28:00 GMT"]
        .into_iter()
        .enumerate()
    {
        let fault = Fault::on_any_path("GET").nth(n + 1).status(429, "");
        let fault = fault.header("retry-after", wait);
        world.simulator.github().add_fault(fault);
    }
    for wait in ["120", "Wed, 21 Oct 2026 07:28:00 GMT"] {
        let got = world.get("/rate_limit");
        assert_eq!((got.status, got.header("retry-after")), (429, Some(wait)));
    }
}

#[test]
fn a_request_can_hang_and_others_go_on() {
    let world = World::new();
    let (hook, id) = world.failed_attempt();
    world
        .simulator
        .github()
        .add_fault(Fault::on("POST", "/attempts").hang());
    let (got, end) = bare(&world, "POST", &attempts_path(hook, id));
    assert!(got.is_empty());
    assert_eq!(end.unwrap_err().kind(), ErrorKind::WouldBlock);
    assert!(world.simulator.github().requested(hook).is_empty());
    assert_eq!(world.simulator.github().requests()[0].status, 0);
    assert_eq!(world.get("/orgs/acme/hooks").status, 200);
}

#[test]
fn a_body_can_be_cut_off() {
    let world = World::new();
    let (hook, _) = world.failed_attempt();
    let path = format!("/orgs/acme/hooks/{hook}/deliveries");
    let whole = world.get(&path);
    world
        .simulator
        .github()
        .add_fault(Fault::on("GET", "/deliveries").times(2).cut_body());
    let error = world.try_send(Method::GET, &path, None).err().unwrap();
    assert!(error.starts_with("no whole body"), "{error}");
    let (got, end) = bare(&world, "GET", &path);
    assert!(end.is_ok(), "{end:?}");
    let got = String::from_utf8(got).unwrap();
    let (head, body) = got.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    assert!(
        head.contains(&format!("content-length: {}", whole.body.len())),
        "{head}"
    );
    assert_eq!(body.as_bytes(), &whole.body[..whole.body.len() / 2]);
}

#[test]
fn several_faults_have_their_effects_in_order() {
    let world = World::new();
    let mut github = world.simulator.github();
    github.add_fault(Fault::on("GET", "/hooks").always().header("x-a", "1"));
    github.add_fault(
        Fault::on("GET", "/hooks")
            .nth(2)
            .status(503, "")
            .header("x-a", "2"),
    );
    drop(github);
    let seen = || {
        let got = world.get("/orgs/acme/hooks");
        (got.status, got.header("x-a").unwrap().to_owned())
    };
    assert_eq!(seen(), (200, "1".to_owned()));
    assert_eq!(seen(), (503, "2".to_owned()));
}
