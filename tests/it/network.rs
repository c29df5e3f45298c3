//! Broken connections, broken bodies and wrong addresses.

use std::io::Write;
use std::net::TcpListener;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use simulated_github::{Attempt, Fault, guid};

use crate::run::Run;
use crate::run_result::RunResult;
use crate::world::{DAY, HOUR, TOKEN, World, ago};

#[test]
fn a_page_that_repeats_its_cursor_ends_the_scan_with_an_error() {
    let world = World::new();
    world.log_healthy(950, 5);
    // Delivered by its redelivery on the first page; the original is on one that comes up again.
    world.log(Attempt::failed(guid(2), ago(150)));
    world.log(Attempt::ok(guid(2), ago(1)).redelivery());
    let failed = world.log(Attempt::failed(guid(1), ago(1)));
    let path = format!("/orgs/acme/hooks/{}/deliveries?per_page=100", world.hook);
    let link = format!("{}{path}", world.simulator.url());
    let fault = Fault::on("GET", "cursor=").nth(2).always().link_next(&link);
    world.simulator.github().add_fault(fault);
    world
        .pass()
        .run()
        .failure("the link to the next page leads back to a page that was read before")
        .outputs(&["redelivered=1"]);
    assert_eq!(world.redelivered(), [failed]);
    assert!(
        world.requests("/deliveries?") < 12,
        "{}",
        world.requests("/deliveries?")
    );
}

#[test]
fn a_server_that_is_not_there_is_named_with_the_next_step() {
    let world = World::new();
    let free = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let ended = world
        .pass()
        .input("api-url", &format!("http://{free}"))
        // Time for a second try, and no more.
        .input("time-limit", "1s")
        .run_executable();
    ended
        .failure("GitHub could not be reached: ")
        .says("Connection refused")
        .says("Check `api-url`, the network, and the proxy if there is one");
}

#[test]
fn an_html_page_of_a_proxy_is_not_taken_for_githubs_response() {
    let world = World::new();
    let page = "<html>\n<h1>Sign in</h1>";
    world
        .simulator
        .github()
        .add_fault(Fault::on("GET", "/hooks?").status(200, page));
    let ended = world.pass().run();
    ended.failure("the webhooks of `acme`: GitHub's answer could not be read");

    let world = World::new();
    world
        .simulator
        .github()
        .add_fault(Fault::on("GET", "/deliveries").status(200, page));
    world
        .pass()
        .run()
        .failure("GitHub's answer could not be read");
}

#[test]
fn a_wrong_base_address_is_not_blamed_on_the_token() {
    let world = World::new();
    let page = "<!DOCTYPE html><title>Not here</title>";
    world
        .simulator
        .github()
        .add_fault(Fault::on("GET", "/hooks?").status(404, page));
    let ended = world.pass().run();
    ended
        .failure("GitHub answered 404")
        .says("check `api-url` (on Enterprise Server");
}

#[test]
fn a_read_that_breaks_off_is_repeated() {
    let read_again = |fault: Fault, run: fn(Run<'_>) -> RunResult| {
        let world = World::new();
        world.log(Attempt::failed(guid(1), ago(HOUR)));
        world.simulator.github().add_fault(fault.clone());
        let ended = run(world.pass()).success();
        ended.outputs(&["result=recovered", "errors=0", "recovered=1"]);
        assert_eq!(world.redelivered().len(), 1, "{fault:?}");
    };
    // Faults of connections, over real sockets.
    for fault in [
        Fault::on("GET", "/deliveries").cut_body(),
        Fault::on("GET", "/deliveries").reset(),
        Fault::on("GET", "/deliveries").reset_after(),
        Fault::on("GET", "/deliveries").reset_mid_headers(),
        Fault::on("POST", "/variables").reset_after(),
    ] {
        read_again(fault, |run| run.run_executable());
    }
    let cut = r#"[{"id":1,"guid":"x""#;
    let page = "<html>502 Bad Gateway</html>";
    for fault in [
        Fault::on("GET", "/deliveries").body(cut),
        Fault::on("GET", "/deliveries").status(502, page),
        Fault::on("GET", "/deliveries").status(408, "{}"),
        Fault::on("PATCH", "/variables").times(2).status(503, page),
        Fault::on("GET", "/hooks?").times(3).reset(),
        Fault::on("GET", "/deliveries").delay_headers(Duration::from_secs(20)),
        Fault::on("GET", "/deliveries").delay_body(Duration::from_secs(50)),
        Fault::on("GET", "/deliveries").drip_body(200, Duration::from_millis(500)),
    ] {
        read_again(fault, |run| run.run_in_virtual_time());
    }
}

#[test]
fn a_reset_after_github_acted_is_looked_up() {
    let world = World::new();
    let failed = world.log(Attempt::failed(guid(1), ago(HOUR)));
    world
        .simulator
        .github()
        .add_fault(Fault::on("POST", "/attempts").reset_after());
    let ended = world.pass().run_executable().success();
    ended.outputs(&["redelivered=0", "result=recovered"]);
    assert_eq!(world.redelivered(), [failed]);
    assert_eq!(world.requests("/attempts"), 1);
}

#[test]
fn compressed_and_plain_bodies_are_read() {
    for compresses in [true, false] {
        let world = World::new();
        world.simulator.github().compresses = compresses;
        world.log_healthy(250, 5);
        let failed = world.log(Attempt::failed(guid(1), ago(HOUR)));
        let ended = world.pass().run_executable().success();
        ended.outputs(&["result=recovered", "scanned=251"]);
        assert_eq!(world.redelivered(), [failed]);
    }
}

#[test]
fn a_broken_compressed_page_is_read_again() {
    let cut = || Fault::on("GET", "/deliveries?").cut_body();
    let other = || Fault::on("GET", "/deliveries?").header("content-encoding", "br");
    let none = || Fault::on("GET", "/deliveries?").header("content-encoding", "gzip");
    for (fault, message) in [
        (cut(), "its body "),
        (
            other(),
            "its body is compressed in a way that was not requested",
        ),
        (none(), "its body can't be decompressed: "),
    ] {
        let world = World::new();
        let failed = world.log(Attempt::failed(guid(1), ago(HOUR)));
        world.simulator.github().add_fault(fault.clone());
        world.pass().run().success().outputs(&["result=recovered"]);
        assert_eq!(world.redelivered(), [failed]);

        world.simulator.github().add_fault(fault.always());
        let started = world.checkpoint();
        world.pass().run_in_virtual_time().failure(message);
        assert_eq!(world.checkpoint(), started, "it is held where it was");
    }
}

#[test]
fn a_decompression_bomb_is_an_error() {
    let world = World::new();
    let mut bomb = GzEncoder::new(Vec::new(), Compression::best());
    bomb.write_all(b"[").unwrap();
    for _ in 0..40 {
        bomb.write_all(&[b' '; 1 << 20]).unwrap();
    }
    let fault = Fault::on("GET", "/deliveries?")
        .header("content-encoding", "gzip")
        .body(bomb.finish().unwrap());
    world.simulator.github().add_fault(fault.always());
    world
        .pass()
        .run_in_virtual_time()
        .failure("its body is longer than 33554432 bytes");
}

#[test]
fn every_request_carries_the_headers_that_github_wants() {
    let world = World::new();
    world.log(Attempt::failed(guid(1), ago(HOUR)));
    world.pass().run_executable().success();
    let github = world.simulator.github();
    assert!(github.requests().len() >= 5);
    for exchange in github.requests() {
        let header = |name: &str| {
            exchange
                .headers
                .get(name)
                .map(|value| value.to_str().unwrap())
        };
        assert_eq!(header("authorization"), Some(&*format!("Bearer {TOKEN}")));
        assert_eq!(header("accept"), Some("application/vnd.github+json"));
        assert_eq!(header("accept-encoding"), Some("gzip"));
        assert_eq!(header("x-github-api-version"), Some("2022-11-28"));
        let agent = header("user-agent").unwrap();
        assert!(agent.starts_with("redeliver-webhooks/"), "{agent}");
    }
}

#[test]
fn a_link_header_that_cannot_be_read_is_not_taken_for_the_end_of_the_log() {
    let world = World::new();
    let start = ago(2 * DAY).timestamp_millis().to_string();
    world.set_variable(&start);
    world.log_healthy(150, 5);
    let odd = "<https://api.github.com/x>; rel=\"next\"; title=\"\u{e9}\"";
    let fault = Fault::on("GET", "/deliveries?").header("link", odd);
    world.simulator.github().add_fault(fault);
    world.pass().run().failure("its Link header is");
    assert_eq!(world.variable(), Some(start));
}

#[test]
fn a_log_of_empty_pages_ends() {
    let world = World::new();
    for page in 1..100 {
        let path = format!(
            "/orgs/acme/hooks/{}/deliveries?cursor=v1_{page}",
            world.hook
        );
        let link = format!("{}{path}", world.simulator.url());
        let fault = Fault::on("GET", "/deliveries?")
            .nth(page)
            .status(200, "[]")
            .link_next(&link);
        world.simulator.github().add_fault(fault);
    }
    world
        .pass()
        .run()
        .failure("page after page of its log is empty");
    assert!(world.requests("/deliveries?") < 25);
}

#[test]
fn an_invalid_date_header_is_ignored() {
    let world = World::new();
    world.set_variable(&ago(HOUR).timestamp_millis().to_string());
    let fault = Fault::on("*", "/")
        .always()
        .header("date", "31 Dec 262142 23:59:59 GMT");
    world.simulator.github().add_fault(fault);
    world.pass().run().success().outputs(&["result=healthy"]);
}
