//! Answers that GitHub gave to others, read by this client. `tests/recorded/README.md` names the source of each.

use chrono::{DateTime, TimeDelta, Utc};
use redeliver_webhooks::model::{Outcome, PassResult};
use simulated_github::{Attempt, Fault, TestKey, guid};
use tokio::time::Instant;

use crate::credential_kinds::CLIENT_ID;
use crate::raw_server::RawServer;
use crate::virtual_world::{VirtualWorld, start};
use crate::world::{HOUR, World, ago};

/// Headers of the simulated GitHub's answers that say something to a client.
const ADDED: [&str; 5] = [
    "content-type",
    "x-github-request-id",
    "x-ratelimit-limit",
    "x-ratelimit-remaining",
    "x-ratelimit-reset",
];

/// An answer in `tests/recorded`.
struct Recorded {
    status: u16,
    headers: Vec<(String, String)>,
    body: String,
}

impl Recorded {
    fn read(name: &str) -> Self {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/recorded");
        let text = std::fs::read_to_string(format!("{folder}/{name}.http")).unwrap();
        let (head, body) = text.split_once("\n\n").unwrap();
        let mut lines = head.lines();
        let status = lines.next().unwrap().split(' ').nth(1).unwrap();
        let header = |line: &str| {
            let (name, value) = line.split_once(':').unwrap();
            (name.to_owned(), value.trim().to_owned())
        };
        Self {
            status: status.parse().unwrap(),
            headers: lines.map(header).collect(),
            body: body.trim_end().to_owned(),
        }
    }

    /// Answers requests with it, and without the headers that the simulated GitHub would add.
    fn as_fault(&self, method: &str, path: &str) -> Fault {
        let mut fault = Fault::on(method, path).status(self.status, &self.body);
        for name in ADDED {
            if !self.headers.iter().any(|(each, _)| each == name) {
                fault = fault.without_header(name);
            }
        }
        for (name, value) in &self.headers {
            fault = fault.header(name, value);
        }
        fault
    }

    /// The bytes that a server at this address sends.
    fn bytes(&self, url: &str) -> Vec<u8> {
        let mut text = format!("HTTP/1.1 {} \r\n", self.status);
        for (name, value) in &self.headers {
            let value = value.replace("https://api.github.com", url);
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        let (length, body) = (self.body.len(), &self.body);
        text.push_str(&format!("content-length: {length}\r\n\r\n{body}"));
        text.into_bytes()
    }
}

#[test]
fn three_pages_of_an_apps_log_are_read_and_its_redeliveries_accepted() {
    let date = "date: Sat, 09 Sep 2023 18:59:12 GMT";
    let server = RawServer::start(move |request| {
        let host = request.lines().find_map(|line| line.strip_prefix("host: "));
        let url = format!("http://{}", host.unwrap());
        let recorded = |name: &str| Recorded::read(name).bytes(&url);
        let json = |body: &str| {
            let length = body.len();
            format!("HTTP/1.1 200 OK\r\n{date}\r\ncontent-length: {length}\r\n\r\n{body}")
                .into_bytes()
        };
        let target = request.split(' ').nth(1).unwrap();
        match target.strip_prefix("/app").unwrap() {
            "" => json(r#"{"slug":"redeliver","owner":{"login":"acme","type":"Organization"}}"#),
            "/hook/config" => json(r#"{"url":"https://ci.example.com/hook"}"#),
            target if target.ends_with("/attempts") => recorded("redelivery-accepted"),
            target if target.contains("cursor=v1_61250000666") => recorded("app-deliveries-2"),
            target if target.contains("cursor=v1_61250000393") => recorded("app-deliveries-3"),
            _ => recorded("app-deliveries-1"),
        }
    });
    let ended = World::new()
        .bare_pass()
        .unset("INPUT_TOKEN")
        .input("organization", "")
        .input("api-url", &server.url())
        .input("client-id", CLIENT_ID)
        .input("private-key", TestKey::APP.pkcs1_pem)
        .input("app-webhook", "true")
        .input("backoff", "0")
        .input("confirm-timeout", "0")
        .run_executable()
        .success();
    ended.outputs(&["scanned=3", "redelivered=2", "errors=0", "result=open"]);
    let requests = server.requests();
    let asked: Vec<&str> = requests
        .iter()
        .filter_map(|request| request.strip_prefix("POST /app/hook/deliveries/"))
        .map(|rest| rest.split('/').next().unwrap())
        .collect();
    // The newest attempt of each of the two deliveries.
    assert_eq!(asked.len(), 2, "{asked:?}");
    assert!(
        asked.contains(&"61250000880") && asked.contains(&"61250000393"),
        "{asked:?}"
    );
}

#[test]
fn a_variable_is_created_and_changed() {
    let world = World::new();
    world.log(Attempt::failed(guid(1), ago(HOUR)));
    let created = Recorded::read("variable-created").as_fault("POST", "/actions/variables");
    let changed = Recorded::read("variable-changed").as_fault("PATCH", "/actions/variables/");
    {
        let mut github = world.simulator.github();
        github.add_fault(created.always().act_first());
        github.add_fault(changed.always().act_first());
    }
    for result in ["result=recovered", "result=healthy"] {
        // GitHub's `Date` is a whole second: a pass that begins in the same one moves no checkpoint.
        world.pass_time(TimeDelta::seconds(2));
        let ended = world.pass().run().success();
        let ended = ended.outputs(&[result, "errors=0"]);
        assert_eq!(ended.output("checkpoint").len(), 20, "{}", ended.log);
        assert!(!ended.log.contains("::warning::"), "{}", ended.log);
    }
    assert!(world.checkpoint().is_some());
    let writes = world.writes();
    for method in ["POST /repos/", "PATCH /repos/"] {
        assert!(
            writes.iter().any(|write| write.starts_with(method)),
            "{writes:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn the_end_of_a_token_is_understood_in_every_form() {
    for (value, end) in [
        ("2026-12-20 17:42:21 UTC", "2026-12-20T17:42:21Z"),
        ("2026-12-20 07:42:23 +0100", "2026-12-20T06:42:23Z"),
        ("2026-12-20 11:52:29 +0200", "2026-12-20T09:52:29Z"),
        ("2026-12-20 08:00:00 +0900", "2026-12-19T23:00:00Z"),
        ("2026-12-20 20:09:46 -0700", "2026-12-21T03:09:46Z"),
    ] {
        let world = VirtualWorld::new();
        let fault = Fault::on_any_path("*").always();
        let fault = fault.header("github-authentication-token-expiration", value);
        world.github().add_fault(fault);
        let report = world.pass(&[]).await;
        let end: DateTime<Utc> = end.parse().unwrap();
        assert_eq!(report.token_ends.map(|each| each.at), Some(end), "{value}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_secondary_limit_is_waited_for_in_every_form() {
    for (name, wait) in [
        ("limit-403-named", 60),
        ("limit-403-said", 60),
        ("limit-403-retry-after", 30),
        ("limit-429-seconds", 8),
        ("limit-429-date", 8),
        ("limit-429-date-only", 60),
    ] {
        for (method, path) in [("GET", "/deliveries?"), ("POST", "/attempts")] {
            let world = VirtualWorld::new();
            world.log_failures(world.hook, 5, start());
            let limit = Recorded::read(name).as_fault(method, path);
            world.github().add_fault(limit);
            let began = Instant::now();
            let report = world.pass(&[]).await;
            let what = format!("{name} {method}: {report:?}");
            assert_eq!(report.errors, [""; 0], "{what}");
            let recovered = report.count(|outcome| outcome == Outcome::Recovered);
            assert_eq!(recovered, 5, "{what}");
            // GitHub's times are whole seconds, and a pace that was halved takes longer.
            let took = began.elapsed().as_secs();
            assert!((wait..wait + 10).contains(&took), "{took} s, {what}");
            assert_eq!(world.github().requested(world.hook).len(), 5, "{what}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_page_with_503_is_an_outage_and_not_a_limit() {
    for name in ["trouble-503-labelled-json", "trouble-503-from-github"] {
        let world = VirtualWorld::new();
        world.log_failures(world.hook, 5, start() - TimeDelta::minutes(10));
        let trouble = Recorded::read(name);
        let once = trouble.as_fault("GET", "/deliveries?");
        world.github().add_fault(once);
        let report = world.pass(&[]).await;
        assert_eq!(report.result(), PassResult::Recovered, "{name}: {report:?}");

        let world = VirtualWorld::new();
        let always = trouble.as_fault("GET", "/deliveries?").always();
        world.github().add_fault(always);
        let report = world.pass(&[]).await;
        let messages = format!("{:?} {:?}", report.errors, report.warnings);
        assert!(
            report.errors[0].contains("GitHub answered 503"),
            "{name}: {messages}"
        );
        assert!(!messages.contains("limit"), "{name}: {messages}");
    }
}

#[test]
fn a_page_with_503_is_read_again() {
    let world = World::new();
    world.log(Attempt::failed(guid(1), ago(10)));
    let trouble = Recorded::read("trouble-503-labelled-json");
    world
        .simulator
        .github()
        .add_fault(trouble.as_fault("GET", "/deliveries?"));
    world.pass().run().success().outputs(&["result=recovered"]);
}

#[test]
fn a_refused_version_is_quoted_with_the_next_step() {
    for (name, message) in [
        (
            "version-refused",
            "`Bad Request; The version you specified in the \"X-GitHub-API-Version\" request header, \"v3\", is not a supported version.",
        ),
        (
            "version-refused-by-a-server",
            "`The requested API version is not supported`",
        ),
    ] {
        let world = World::new();
        let refused = Recorded::read(name).as_fault("*", "/").always();
        world.simulator.github().add_fault(refused);
        let ended = world.bare_pass().run();
        ended
            .failure(&format!(
                "the webhooks of `acme`: GitHub answered 400 {message}"
            ))
            .says("update the action");
    }
}
