//! GitHub, a proxy and receivers may repeat secrets in their words. None of them is written anywhere.

use std::path::Path;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::json;
use simulated_github::{
    Access, App, Attempt, Fault, Installation, Proxy, ProxyMode, TestKey, guid,
};

use crate::credential_kinds::CLIENT_ID;
use crate::run::Run;
use crate::run_result::RunResult;
use crate::world::{HOUR, REPOSITORY, TOKEN, VARIABLE, World, ago};

const URL: &str = "https://us3r:passw0rd@ci.example.com/secret/path/t0ken?key=s3cret&more=1";
const CHECKPOINT_TOKEN: &str = "ghp_checkpoint0only0and0no0more0than0that";
const PROXY_PASSWORD: &str = "pr0xy0password";

/// Texts that a pass may not write, whatever servers answer.
fn secrets(world: &World) -> Vec<String> {
    let mut secrets: Vec<String> = [
        TOKEN,
        CHECKPOINT_TOKEN,
        PROXY_PASSWORD,
        "passw0rd",
        "secret/path",
        "secret%2Fpath",
        "secret\\/path",
        "s3cret",
    ]
    .map(str::to_owned)
    .to_vec();
    secrets.push(TOKEN.bytes().map(|byte| format!("%{byte:02X}")).collect());
    // The part of it that is the same at any position in a base64 text.
    for before in ["", "a", "ab"] {
        let text = BASE64_STANDARD.encode(format!("{before}{TOKEN}"));
        secrets.push(text[8..text.len() - 8].to_owned());
    }
    let github = world.simulator.github();
    secrets.extend(github.minted().iter().map(|minted| minted.token.clone()));
    secrets.extend(github.requests().iter().filter_map(|request| {
        let header = request.headers.get("authorization")?.to_str().unwrap();
        Some(header.trim_start_matches("Bearer ").to_owned())
    }));
    let key = TestKey::APP.pkcs1_pem.lines();
    secrets.extend(key.filter(|line| !line.starts_with('-')).map(str::to_owned));
    secrets
}

/// Runs a pass with all kinds of output switched on, and returns all that it wrote.
fn everything_written(world: &World, run: Run<'_>) -> (RunResult, String) {
    let folder = tempfile::tempdir().unwrap();
    let run = run
        .unset("GITHUB_ACTIONS")
        .env("RUNNER_DEBUG", "1")
        .input("report-file", "report.json")
        .input("show-responses", "true");
    let ended = run.run_executable_in(folder.path());
    let mut all = vec![ended.log.clone(), ended.summary.clone()];
    all.extend(ended.outputs.values().cloned());
    let read = |name: &str| std::fs::read_to_string(folder.path().join("workspace").join(name));
    all.push(read("report.json").unwrap());
    all.extend(read("checkpoint.json"));
    let github = world.simulator.github();
    all.extend(github.variable(REPOSITORY, VARIABLE));
    all.extend(github.variable(REPOSITORY, &format!("{VARIABLE}_STATE")));
    (ended, all.join("\n"))
}

#[track_caller]
fn holds_no_secret(world: &World, written: &str) {
    for secret in secrets(world) {
        assert!(!written.contains(&secret), "{secret}:\n{written}");
    }
    assert!(!written.contains("add-mask"), "{written}");
}

fn world() -> World {
    let world = World::new();
    let mut github = world.simulator.github();
    github.webhook_mut(world.hook).url = URL.into();
    github.add_token(CHECKPOINT_TOKEN, Access::classic(&["repo"]));
    github.add_app(App::new(7, CLIENT_ID, TestKey::APP.public_der));
    github.install(Installation::new(
        "acme",
        &[("organization_hooks", "write")],
    ));
    drop(github);
    world
}

fn by_app(run: Run<'_>) -> Run<'_> {
    let run = run.input("token", "").input("client-id", CLIENT_ID);
    run.input("private-key", TestKey::APP.pkcs1_pem)
}

/// A text that repeats a token and other parts of the request, in the forms that servers use.
fn telltale(token: &str) -> String {
    let encoded: String = token.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let basic = BASE64_STANDARD.encode(format!("x-access-token:{token}"));
    let path = "/secret/path/t0ken?key=s3cret&more=1";
    let escaped = URL.replace('&', "&amp;").replace('/', "\\/");
    let percent = URL
        .replace(['/', '?'], "%2F")
        .replace("%2Ft0ken%2F", "%2Ft0ken%3F");
    format!(
        "Authorization: {{authorization}}, {token}, {CHECKPOINT_TOKEN}, {encoded}, Basic {basic}; POST {URL}; {path}; {escaped}; \
         {percent}; {PROXY_PASSWORD}"
    )
}

#[test]
fn refusals_that_repeat_secrets_are_shown_without_them() {
    for (method, path, status) in [
        ("POST", "/attempts", 422),
        ("POST", "/attempts", 403),
        ("GET", "/deliveries?", 403),
        ("GET", "/variables/", 403),
        ("POST", "/variables", 403),
    ] {
        for app in [false, true] {
            // An App's pass has no other token.
            let text = telltale(if app { CHECKPOINT_TOKEN } else { TOKEN });
            for body in [
                json!({ "message": text }).to_string(),
                format!("<html><title>{text}</title></html>"),
                format!("<html><body>{text}</body></html>"),
                json!({ "message": format!("{}{text}", "x".repeat(465)) }).to_string(),
                json!({ "message": "no", "errors": [{ "message": text }] }).to_string(),
            ] {
                let world = world();
                world.log(Attempt::failed(guid(1), ago(10)));
                let fault = Fault::on(method, path).always();
                let fault = fault.status_repeating(status, &body);
                world.simulator.github().add_fault(fault);
                let proxy = Proxy::start();
                let proxy = proxy.url_with("pr0xy0user", PROXY_PASSWORD);
                let run = world.pass().input("checkpoint-token", CHECKPOINT_TOKEN);
                let run = run.input("confirm-timeout", "0");
                let run = run.env("HTTPS_PROXY", &proxy);
                let run = if app { by_app(run) } else { run };
                let (ended, written) = everything_written(&world, run);
                holds_no_secret(&world, &written);
                assert!(written.contains("***"), "{}", ended.log);
            }
        }
    }
}

#[test]
fn refusals_of_an_apps_own_token_are_shown_without_it() {
    for (path, status) in [
        ("/installation", 401),
        ("/access_tokens", 403),
        ("/hooks?", 403),
    ] {
        let world = world();
        let body = json!({ "message": "Authorization: {authorization} is refused" }).to_string();
        let fault = Fault::on("*", path).always();
        let fault = fault.status_repeating(status, &body);
        world.simulator.github().add_fault(fault);
        let (ended, written) = everything_written(&world, by_app(world.bare_pass()));
        holds_no_secret(&world, &written);
        ended.says("`Authorization: Bearer *** is refused`");
    }
}

/// Rows that repeat secrets, two of one cause.
fn telltale_rows(world: &World) {
    let repeats = [TOKEN, URL, "/secret/path/t0ken?key=s3cret&more=1"].join(" ");
    for n in 0..2 {
        world.log(
            Attempt::failed(guid(n), ago(10 + n as i64))
                .with_status(format!("timed out: {repeats}"), 504)
                .event(format!("issues {TOKEN}"), Some(TOKEN))
                .answered(format!("{}{repeats} \u{1f600}", "x".repeat(280))),
        );
    }
    world.log(Attempt::failed(format!("odd-{TOKEN}"), ago(20)));
    world.log(Attempt::failed(guid(7), ago(25)).raw(json!({"id": TOKEN, "guid": URL})));
    world.log(
        Attempt::failed(guid(8), ago(26))
            .raw(json!({"id": 8, "guid": guid(8), "delivered_at": TOKEN})),
    );
}

#[test]
fn rows_that_repeat_secrets_are_shown_and_stored_without_them() {
    for place in ["checkpoint-variable", "checkpoint-file"] {
        let world = world();
        telltale_rows(&world);
        world.simulator.github().webhook_mut(world.hook).receiver =
            simulated_github::Receiver::down();
        let run = match place {
            "checkpoint-file" => world.bare_pass().input(place, "checkpoint.json"),
            _ => world.pass(),
        };
        let (ended, written) = everything_written(&world, run);
        holds_no_secret(&world, &written);
        let report: serde_json::Value = serde_json::from_str(ended.output("report")).unwrap();
        assert!(
            written.contains("timed out: *** https://ci.example.com ***"),
            "{written}"
        );
        assert!(written.contains("odd-***"), "{written}");
        assert!(report["causes"].as_array().is_some(), "{report}");
    }
}

#[test]
fn rows_that_repeat_secrets_are_distinguished_and_grouped_as_usual() {
    let world = world();
    telltale_rows(&world);
    let run = world.bare_pass().input("dry-run", "true");
    let ended = run.input("statuses", "timeout").run_executable();
    let ended = ended.says("2 of 3 failed deliveries of 1 webhook would be redelivered");
    let report: serde_json::Value = serde_json::from_str(ended.output("report")).unwrap();
    let cause = &report["causes"][0];
    assert_eq!(cause["deliveries"], 2, "{cause}");
    assert_eq!(cause["event"], "issues ***");
    assert_eq!(cause["status"], "timed out: *** https://ci.example.com ***");
}

#[test]
fn a_delivery_whose_guid_repeats_a_secret_is_one_delivery() {
    let world = world();
    let odd = format!("odd-{TOKEN}");
    world.log(Attempt::failed(&*odd, ago(30)));
    world.log(Attempt::ok(&*odd, ago(20)).redelivery());
    let ended = world.bare_pass().run_executable().success();
    ended.outputs(&["failed=0", "redelivered=0"]);
}

#[test]
fn a_payload_url_does_not_hide_the_names_of_events() {
    for url in [
        "https://ci.acme.com/hook?pull_request",
        "https://x:pull_request@ci.acme.com/hook?odd-delivery-0001",
    ] {
        let world = World::new();
        world.simulator.github().webhook_mut(world.hook).url = url.into();
        let event = |attempt: Attempt| attempt.event("pull_request", Some("opened"));
        world.log(event(Attempt::failed(guid(1), ago(10))));
        world.log(event(Attempt::failed("odd-delivery-0001", ago(20))));
        world.log(event(Attempt::failed("odd-delivery-0002", ago(30))));
        let run = world.bare_pass().input("events", "pull_request");
        let ended = run.run_executable().success();
        ended.outputs(&["result=recovered", "failed=3", "recovered=3"]);
    }
}

#[test]
fn a_checkpoint_that_repeats_a_secret_is_shown_without_it() {
    let world = world();
    world.set_variable(&format!("{}{TOKEN}", "x".repeat(30)));
    let (ended, written) = everything_written(&world, world.pass());
    holds_no_secret(
        &world,
        written.replace(&world.variable().unwrap(), "").as_str(),
    );
    ended.says("***");
}

#[test]
fn a_proxy_that_repeats_its_password_is_shown_without_it() {
    for mode in [ProxyMode::Refuse(407), ProxyMode::Refuse(502)] {
        let world = world();
        let proxy = Proxy::start();
        proxy.set_mode(mode);
        let run = world.bare_pass().input("time-limit", "1s");
        let run = run.input("api-url", "https://git.corp.example/api/v3");
        let run = run.env("HTTPS_PROXY", &proxy.url_with("pr0xy0user", PROXY_PASSWORD));
        let (_, written) = everything_written(&world, run);
        holds_no_secret(&world, &written);
    }
}

#[test]
fn no_secret_is_printed_to_have_it_masked() {
    for app in [false, true] {
        let world = world();
        world.log(Attempt::failed(guid(1), ago(HOUR)));
        let run = world.bare_pass();
        let run = if app { by_app(run) } else { run };
        let log = run.run_executable().success().log;
        assert!(log.contains("::group::"), "{log}");
        holds_no_secret(&world, &log);
    }
}

#[test]
fn a_key_that_is_a_file_is_not_printed() {
    let world = world();
    let folder = tempfile::tempdir().unwrap();
    let key = Path::new("workspace/app.pem");
    std::fs::create_dir_all(folder.path().join("workspace")).unwrap();
    std::fs::write(folder.path().join(key), TestKey::APP.pkcs1_pem).unwrap();
    let body = json!({ "message": TestKey::APP.pkcs1_pem }).to_string();
    world
        .simulator
        .github()
        .add_fault(Fault::on("GET", "/hooks?").always().status(403, &body));
    let run = by_app(world.bare_pass()).input("private-key", "app.pem");
    let ended = run.run_executable_in(folder.path());
    holds_no_secret(&world, &[ended.log.as_str(), &ended.summary].join("\n"));
}
