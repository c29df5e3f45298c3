//! Headers that GitHub does not accept, and clients that send something they must not send.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::panic::{AssertUnwindSafe, catch_unwind};

use http::{HeaderValue, Method};
use serde_json::Value;
use simulated_github::{Access, GitHub, Reply, Request, Simulator};

use crate::client::TOKEN;

fn github() -> GitHub {
    let mut github = GitHub::new();
    github.add_organization("acme");
    github.add_token(TOKEN, Access::admin());
    github
}

fn get() -> Request {
    Request::new(Method::GET, "/orgs/acme/hooks").bearer(TOKEN)
}

/// A request with this header once for each value.
fn with(mut request: Request, name: &'static str, values: &[&'static str]) -> Request {
    for value in values {
        request
            .headers
            .append(name, HeaderValue::from_static(value));
    }
    request
}

fn errors(reply: &Reply) -> Value {
    let body: Value = serde_json::from_slice(&reply.body).unwrap();
    assert_eq!(body["message"], "Bad Request");
    body["errors"].clone()
}

/// The panic of the test that drops this.
fn panic_of(drop: impl FnOnce()) -> String {
    let panic = catch_unwind(AssertUnwindSafe(drop)).unwrap_err();
    *panic.downcast::<String>().unwrap()
}

#[test]
fn a_known_version_or_none_is_taken_and_any_other_refused() {
    let mut github = github();
    let version = "x-github-api-version";
    for known in ["2022-11-28", "2026-03-10"] {
        let reply = github.respond(&with(get(), version, &[known]));
        assert_eq!(reply.status, 200, "{known}");
    }
    assert_eq!(github.respond(&get()).status, 200);
    for unknown in ["v3", "2022-11-27", "", "2022-11-28, 2022-11-28"] {
        let reply = github.respond(&with(get(), version, &[unknown]));
        assert_eq!(reply.status, 400, "{unknown}");
        let expected = format!(
            "The version you specified in the \"X-GitHub-API-Version\" request header, \"{unknown}\", is not a supported \
             version. The following versions are currently supported: \"2026-03-10\" (most recent) and \"2022-11-28\"."
        );
        assert_eq!(errors(&reply), expected);
    }
    assert_eq!(github.take_violations(), [""; 0]);
}

#[test]
fn a_header_that_stands_twice_is_joined_before_it_is_looked_at() {
    let mut github = github();
    let twice = with(get(), "x-github-api-version", &["2022-11-28", "2022-11-28"]);
    let reply = github.respond(&twice);
    assert_eq!(reply.status, 400);
    let errors = errors(&reply);
    assert!(
        errors
            .as_str()
            .unwrap()
            .contains("\"2022-11-28,2022-11-28\""),
        "{errors}"
    );
    let credentials = with(get(), "authorization", &["Bearer ghp_all"]);
    assert_eq!(github.respond(&credentials).status, 401);
    assert_eq!(
        github.take_violations(),
        [
            "`x-github-api-version` twice with GET /orgs/acme/hooks",
            "`authorization` twice with GET /orgs/acme/hooks"
        ]
    );
    let sent = &github.requests()[0].headers;
    assert_eq!(sent.get_all("x-github-api-version").iter().count(), 2);
}

#[test]
fn a_length_belongs_to_no_get() {
    let mut github = github();
    let request = |method| {
        let request = Request::new(method, "/orgs/acme/hooks").bearer(TOKEN);
        with(request, "content-length", &["0"])
    };
    github.respond(&request(Method::POST));
    assert_eq!(github.take_violations(), [""; 0]);
    github.respond(&request(Method::GET));
    assert_eq!(
        github.take_violations(),
        ["`content-length` with GET /orgs/acme/hooks"]
    );
}

#[test]
fn a_test_whose_client_repeated_a_header_fails_whatever_it_was_about() {
    let accepts = ["a/b", "c/d"];
    let mut state = github();
    assert_eq!(state.respond(&with(get(), "accept", &accepts)).status, 200);
    assert_eq!(
        panic_of(|| drop(state)),
        "a client sent what it must not send: `accept` twice with GET /orgs/acme/hooks"
    );

    let simulator = Simulator::start(github());
    let mut stream = TcpStream::connect(simulator.address()).unwrap();
    write!(stream, "GET /orgs/acme/hooks HTTP/1.1\r\nhost: x\r\nconnection: close\r\naccept: a/b\r\nAccept: a/b\r\n\r\n").unwrap();
    stream.read_to_end(&mut Vec::new()).unwrap();
    let panic = panic_of(|| drop(simulator));
    assert!(panic.contains("`accept` twice"), "{panic}");
}
