//! The bytes of requests: each header once, and a length only with a body or a POST.

use std::collections::BTreeMap;
use std::sync::Mutex;

use chrono::Utc;
use serde_json::{Value, json};
use simulated_github::{
    Access, App, Attempt, Exchange, Fault, GitHub, Installation, Owner, Protocols, Proxy,
    Simulator, TestKey, Webhook, guid,
};

use crate::credential_kinds::CLIENT_ID;
use crate::raw_server::RawServer;
use crate::run::Run;
use crate::world::{TOKEN, World, ago};

/// A request's method, path and body, and its headers by name in lower case, including repeated ones.
struct Sent<'a> {
    method: &'a str,
    path: &'a str,
    headers: BTreeMap<String, Vec<String>>,
    body: &'a str,
}

impl<'a> Sent<'a> {
    fn read(request: &'a str) -> Self {
        let (head, body) = request.split_once("\r\n\r\n").unwrap();
        let mut lines = head.split("\r\n");
        let mut first = lines.next().unwrap().split(' ');
        let (method, path) = (first.next().unwrap(), first.next().unwrap());
        assert_eq!(first.next(), Some("HTTP/1.1"), "{request}");
        let mut headers = BTreeMap::<_, Vec<_>>::new();
        for line in lines {
            let (name, value) = line.split_once(": ").unwrap();
            let values = headers.entry(name.to_ascii_lowercase()).or_default();
            values.push(value.to_owned());
        }
        Self {
            method,
            path,
            headers,
            body,
        }
    }

    fn of(exchange: &'a Exchange) -> Self {
        let mut headers = BTreeMap::<_, Vec<_>>::new();
        for (name, value) in &exchange.headers {
            let values = headers.entry(name.to_string()).or_default();
            values.push(value.to_str().unwrap().to_owned());
        }
        Self {
            method: &exchange.method,
            path: &exchange.path_and_query,
            headers,
            body: std::str::from_utf8(&exchange.body).unwrap(),
        }
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|values| &*values[0])
    }

    /// Asserts the rules that hold for every request.
    fn assert_sound(&self) {
        let what = format!("{} {}: {:?}", self.method, self.path, self.headers);
        for (name, values) in &self.headers {
            assert_eq!(values.len(), 1, "{name} with {what}");
        }
        let agent = concat!("redeliver-webhooks/", env!("CARGO_PKG_VERSION"));
        for (name, expected) in [
            ("accept", "application/vnd.github+json"),
            ("accept-encoding", "gzip"),
            ("user-agent", agent),
            ("x-github-api-version", "2022-11-28"),
        ] {
            assert_eq!(self.header(name), Some(expected), "{what}");
        }
        for name in ["host", "authorization"] {
            assert!(self.header(name).is_some(), "no {name} with {what}");
        }
        let length = self.body.len().to_string();
        let length = (self.method != "GET").then_some(&*length);
        assert_eq!(self.header("content-length"), length, "{what}");
        let json = (!self.body.is_empty()).then_some("application/json");
        assert_eq!(self.header("content-type"), json, "{what}");
        assert_eq!(self.header("transfer-encoding"), None, "{what}");
    }
}

/// An answer that holds nothing but the parts that HTTP requires.
fn answer(status: &str, link: &str, body: &Value) -> Vec<u8> {
    let (date, body) = (
        Utc::now().format("%a, %d %b %Y %H:%M:%S GMT"),
        body.to_string(),
    );
    let length = body.len();
    format!("HTTP/1.1 {status}\r\ndate: {date}\r\n{link}content-length: {length}\r\n\r\n{body}")
        .into_bytes()
}

fn row(id: u64, status: u16) -> Value {
    json!({
        "id": id, "guid": guid(id), "delivered_at": ago(10), "redelivery": false, "status": "x",
        "status_code": status, "event": "push", "action": null,
    })
}

/// The server's response to a request. Two pages of log at each webhook, with one failure each; variables are kept.
fn small_github(request: &str, variables: &Mutex<BTreeMap<String, Value>>) -> Vec<u8> {
    let sent = Sent::read(request);
    let host = sent.header("host").unwrap();
    let ok = |body: Value| answer("200 OK", "", &body);
    let account = json!({ "login": "acme", "type": "Organization" });
    let permissions = json!({ "organization_hooks": "write", "actions_variables": "write" });
    let (path, query) = sent.path.split_once('?').unwrap_or((sent.path, ""));
    match (sent.method, path) {
        ("GET", "/orgs/acme/installation") => {
            ok(json!({ "id": 7, "account": account, "permissions": permissions }))
        }
        ("POST", "/app/installations/7/access_tokens") => {
            let expires_at = Utc::now() + chrono::TimeDelta::hours(1);
            let token = json!({ "token": "ghs_x", "expires_at": expires_at });
            answer("201 Created", "", &token)
        }
        ("GET", "/app") => ok(json!({ "slug": "redeliver", "owner": account })),
        ("GET", "/app/hook/config") => ok(json!({ "url": "https://app.example.com" })),
        ("GET", "/orgs/acme/hooks") => ok(json!([
            { "id": 11, "active": true, "config": { "url": "https://ci.example.com" } }
        ])),
        ("GET", log) if log.ends_with("/deliveries") => {
            if query.contains("cursor=") {
                return ok(json!([row(1, 200)]));
            }
            let next =
                format!("link: <http://{host}{log}?per_page=100&cursor=v1_2>; rel=\"next\"\r\n");
            answer("200 OK", &next, &json!([row(2, 500)]))
        }
        ("POST", attempts) if attempts.ends_with("/attempts") => {
            answer("202 Accepted", "", &json!({}))
        }
        ("POST" | "PATCH", variable) => {
            let body: Value = serde_json::from_str(sent.body).unwrap();
            let name = match &body["name"] {
                Value::String(name) => name,
                _ => variable.rsplit('/').next().unwrap(),
            };
            let mut variables = variables.lock().unwrap();
            match variables.insert(name.to_owned(), body["value"].clone()) {
                None => answer("201 Created", "", &json!({})),
                Some(_) => b"HTTP/1.1 204 No Content\r\n\r\n".to_vec(),
            }
        }
        (_, variable) => {
            let name = variable.rsplit('/').next().unwrap();
            match variables.lock().unwrap().get(name) {
                Some(value) => ok(json!({ "name": name, "value": value })),
                None => answer("404 Not Found", "", &json!({ "message": "Not Found" })),
            }
        }
    }
}

fn as_the_app(run: Run<'_>) -> Run<'_> {
    run.unset("INPUT_TOKEN")
        .input("client-id", CLIENT_ID)
        .input("private-key", TestKey::APP.pkcs1_pem)
}

#[test]
fn every_kind_of_request_has_each_header_once_in_its_bytes() {
    let variables = Mutex::default();
    let server = RawServer::start(move |request| small_github(request, &variables));
    // The simulated GitHub has no part in this.
    let world = World::new();
    // The first pass creates the variables, the second changes them.
    for redelivered in ["redelivered=2", "redelivered=0"] {
        as_the_app(world.pass())
            .input("api-url", &server.url())
            .input("app-webhook", "true")
            .input("confirm-timeout", "0")
            .run_executable()
            .success()
            .outputs(&[redelivered]);
    }
    let requests = server.requests();
    let sent: Vec<Sent<'_>> = requests.iter().map(|request| Sent::read(request)).collect();
    for each in &sent {
        each.assert_sound();
    }
    for (method, part) in [
        ("GET", "/app"),
        ("GET", "/app/hook/deliveries?per_page=100"),
        ("POST", "/app/hook/deliveries/2/attempts"),
        ("GET", "/orgs/acme/installation"),
        ("POST", "/app/installations/7/access_tokens"),
        ("GET", "/orgs/acme/hooks?per_page=100"),
        ("GET", "/orgs/acme/hooks/11/deliveries?per_page=100"),
        (
            "GET",
            "/orgs/acme/hooks/11/deliveries?per_page=100&cursor=v1_2",
        ),
        ("POST", "/orgs/acme/hooks/11/deliveries/2/attempts"),
        ("GET", "/repos/acme/ops/actions/variables/LAST_REDELIVERY"),
        ("POST", "/repos/acme/ops/actions/variables"),
        ("PATCH", "/repos/acme/ops/actions/variables/LAST_REDELIVERY"),
    ] {
        let made = |each: &Sent<'_>| (each.method, each.path) == (method, part);
        assert!(sent.iter().any(made), "no {method} {part}: {requests:#?}");
    }
}

/// GitHub with a webhook of acme whose log has two pages, and a failure on the second. An App is installed.
fn github() -> GitHub {
    let mut github = GitHub::new();
    github.add_organization("acme");
    github.add_repository("acme", "ops");
    github.add_token(TOKEN, Access::admin());
    github.add_app(App::new(1, CLIENT_ID, TestKey::APP.public_der));
    let permissions = [
        ("organization_hooks", "write"),
        ("actions_variables", "write"),
    ];
    github.install(Installation::new("acme", &permissions));
    github
}

fn world(start: impl FnOnce(GitHub) -> Simulator) -> World {
    let mut github = github();
    let owner = Owner::Organization("acme".into());
    let hook = github.add_webhook(owner, Webhook::new("https://ci.example.com"));
    github
        .webhook_mut(hook)
        .log(Attempt::failed(guid(1), ago(10)));
    for n in 0..100 {
        github
            .webhook_mut(hook)
            .log(Attempt::ok(guid(100 + n), ago(5)));
    }
    World {
        simulator: start(github),
        hook,
    }
}

/// Asserts that a pass recovered the failure with sound requests alone.
fn assert_recovered(world: &World, run: Run<'_>) {
    run.run_executable()
        .success()
        .outputs(&["result=recovered"]);
    let github = world.simulator.github();
    for exchange in github.requests() {
        Sent::of(exchange).assert_sound();
    }
    let made = |method: &str, part: &str| {
        let mut requests = github.requests().iter();
        requests.any(|each| each.method == method && each.path_and_query.contains(part))
    };
    assert!(made("GET", "cursor=") && made("POST", "/attempts") && made("POST", "/variables"));
}

#[test]
fn http_2_has_each_header_once_too() {
    let world = world(|github| Simulator::start_tls(github, Protocols::Http2));
    let run = world
        .pass()
        .input("ca-certificates", world.simulator.ca_pem());
    assert_recovered(&world, run);
}

#[test]
fn a_proxy_passes_each_header_on_once() {
    let proxy = Proxy::start();
    proxy.require("bob", "secret");
    let url = proxy.url_with("bob", "secret");
    let tls = world(|github| Simulator::start_tls(github, Protocols::Both));
    let run = tls.pass().input("ca-certificates", tls.simulator.ca_pem());
    assert_recovered(&tls, run.env("HTTPS_PROXY", &url));
    assert!(proxy.requests().iter().any(|each| each.method == "CONNECT"));
}

#[test]
fn a_redirected_request_has_each_header_once() {
    let world = world(Simulator::start);
    let mut github = world.simulator.github();
    github.rename_repository("acme/ops", "moved");
    drop(github);
    assert_recovered(&world, world.pass());
    assert!(world.requests("/repositories/") >= 2);
}

#[test]
fn a_request_with_a_renewed_credential_has_each_header_once() {
    let world = world(Simulator::start);
    let refused = r#"{"message":"Bad credentials"}"#;
    for part in ["/hooks?", "/attempts"] {
        let method = if part == "/attempts" { "POST" } else { "GET" };
        let fault = Fault::on(method, part).status(401, refused);
        world.simulator.github().add_fault(fault);
    }
    assert_recovered(&world, as_the_app(world.pass()));
    assert_eq!(world.requests("/access_tokens"), 3);
}
