//! Answers that take their time.

use std::io::Read;
use std::time::{Duration, Instant};

use http::Method;
use serde_json::json;
use simulated_github::{Access, Drip, Ending, Fault, GitHub, Request};

use crate::client::{TOKEN, World};
use crate::faults::open;

const DELAY: Duration = Duration::from_millis(300);

/// When the headers of an answer had come, when its end had, and the whole of it.
fn timed(world: &World, path: &str) -> (Duration, Duration, String) {
    let begun = Instant::now();
    let mut stream = open(world, "GET", path);
    stream.set_read_timeout(None).unwrap();
    let (mut got, mut headers) = (Vec::new(), None);
    let mut buffer = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&got);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            headers.get_or_insert(begun.elapsed());
            let length = head.split_once("content-length: ").unwrap().1;
            let length: usize = length.lines().next().unwrap().parse().unwrap();
            if body.len() >= length {
                return (headers.unwrap(), begun.elapsed(), text.into_owned());
            }
        }
        let read = stream.read(&mut buffer).unwrap();
        assert!(read > 0, "{text}");
        got.extend(&buffer[..read]);
    }
}

#[test]
fn headers_can_be_held_back() {
    let world = World::new();
    let fault = Fault::on("GET", "/hooks").delay_headers(DELAY);
    world.simulator.github().add_fault(fault);
    let (headers, _, got) = timed(&world, "/orgs/acme/hooks");
    assert!(headers >= DELAY, "{headers:?}");
    assert!(got.ends_with("\r\n\r\n[]"), "{got}");
    assert!(timed(&world, "/orgs/acme/hooks").0 < DELAY);
}

#[test]
fn a_body_can_be_held_back_while_its_headers_are_not() {
    let world = World::new();
    let fault = Fault::on("GET", "/hooks").delay_body(DELAY);
    world.simulator.github().add_fault(fault);
    let (headers, end, got) = timed(&world, "/orgs/acme/hooks");
    assert!(headers < DELAY && end >= DELAY, "{headers:?} {end:?}");
    assert!(got.ends_with("\r\n\r\n[]"), "{got}");
}

#[test]
fn a_body_can_come_a_few_bytes_at_a_time() {
    let world = World::new();
    let path = format!("/orgs/acme/hooks/{}", world.webhook(0));
    let (_, _, got) = timed(&world, &path);
    let (_, whole) = got.split_once("\r\n\r\n").unwrap();
    let (every, bytes) = (Duration::from_millis(20), whole.len() / 10);
    let fault = Fault::on("GET", "/hooks/").drip_body(bytes, every);
    world.simulator.github().add_fault(fault);
    let (headers, end, got) = timed(&world, &path);
    assert!(
        headers < every * 9 && end >= every * 9,
        "{headers:?} {end:?}"
    );
    assert!(got.ends_with(whole));
}

#[test]
fn all_bodies_share_a_link_that_is_slow() {
    let world = World::new();
    let path = format!("/orgs/acme/hooks/{}", world.webhook(0));
    let (_, _, got) = timed(&world, &path);
    let length = got.split_once("\r\n\r\n").unwrap().1.len();
    let a_body = Duration::from_millis(200);
    let bytes_a_second = length as f64 / a_body.as_secs_f64();
    world
        .simulator
        .github()
        .limit_bandwidth(bytes_a_second as u32);
    let (first, second) = std::thread::scope(|scope| {
        let other = scope.spawn(|| timed(&world, &path));
        (timed(&world, &path), other.join().unwrap())
    });
    let (sooner, later) = (first.1.min(second.1), first.1.max(second.1));
    assert!(first.0.max(second.0) < a_body, "headers are held back");
    assert!(
        sooner >= a_body && later >= a_body * 2,
        "{sooner:?} {later:?}"
    );
    assert!(got.ends_with(first.2.split_once("\r\n\r\n").unwrap().1));
}

#[test]
fn a_body_can_go_on_for_ever() {
    let world = World::new();
    let fault = Fault::on("GET", "/hooks").endless_body();
    world.simulator.github().add_fault(fault);
    let mut stream = open(&world, "GET", "/orgs/acme/hooks");
    let mut got = vec![0; 8 << 20];
    stream.read_exact(&mut got).unwrap();
    let text = String::from_utf8_lossy(&got);
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    assert!(head.contains("transfer-encoding: chunked"), "{head}");
    assert!(
        body.starts_with("2\r\n[]\r\n1000\r\n   "),
        "{}",
        &body[..20]
    );
    assert!(!text.contains("\r\n0\r\n"));
    drop(stream);
    assert_eq!(world.get("/orgs/acme/hooks").json(), json!([]));
    assert_eq!(world.simulator.github().requests()[0].status, 200);
}

#[test]
fn an_endless_body_keeps_no_server_from_stopping() {
    let world = World::new();
    let fault = Fault::on_any_path("GET").endless_body();
    world.simulator.github().add_fault(fault);
    let mut stream = open(&world, "GET", "/orgs/acme/hooks");
    stream.read_exact(&mut [0; 1000]).unwrap();
    drop(world);
    let mut rest = Vec::new();
    // An end or a reset, and no time-out.
    if let Err(error) = stream.read_to_end(&mut rest) {
        assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
    }
}

#[test]
fn waits_can_be_read_where_there_is_no_socket() {
    let mut github = GitHub::new();
    github.add_organization("acme");
    github.add_token(TOKEN, Access::admin());
    let request = Request::new(Method::GET, "/orgs/acme/hooks").bearer(TOKEN);
    let plain = github.respond(&request);
    assert_eq!(
        (plain.header_delay, plain.body_delay),
        (Duration::ZERO, Duration::ZERO)
    );
    assert_eq!((plain.drip, plain.ending), (None, Ending::Whole));
    let [hour, minute, second] = [3600, 60, 1].map(Duration::from_secs);
    github.add_fault(
        Fault::on_any_path("GET")
            .delay_headers(hour)
            .delay_body(minute)
            .drip_body(7, second)
            .endless_body(),
    );
    github.add_fault(Fault::on_any_path("GET").delay_headers(second));
    let slow = github.respond(&request);
    assert_eq!(
        (slow.header_delay, slow.body_delay),
        (hour + second, minute)
    );
    let drip = Drip {
        bytes: 7,
        every: second,
    };
    assert_eq!((slow.drip, slow.ending), (Some(drip), Ending::EndlessBody));
    assert_eq!(slow.body, plain.body);
}
