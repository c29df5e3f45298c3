//! No secret in anything that is written: log at debug level, outputs, summary, checkpoint.

use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use simulated_github::{
    Access, App, Attempt, Fault, Installation, Owner, Proxy, TestKey, Webhook, guid,
};

use crate::credential_kinds::CLIENT_ID;
use crate::run_result::RunResult;
use crate::world::{REPOSITORY, TOKEN, VARIABLE, World, ago};

/// A secret in the forms in which it might slip out.
fn forms(secret: &str) -> Vec<String> {
    let encoded: String = secret.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let partly = secret
        .replace('/', "%2F")
        .replace('=', "%3D")
        .replace('&', "%26");
    vec![
        secret.to_owned(),
        encoded,
        partly,
        BASE64_STANDARD.encode(secret),
        BASE64_URL_SAFE_NO_PAD.encode(secret),
    ]
}

/// Everything that a pass wrote.
fn written(world: &World, ended: &RunResult) -> String {
    let mut all = vec![ended.log.clone(), ended.summary.clone()];
    all.extend(ended.outputs.values().cloned());
    let github = world.simulator.github();
    all.extend(github.variable(REPOSITORY, VARIABLE));
    all.extend(github.variable(REPOSITORY, &format!("{VARIABLE}_STATE")));
    all.join("\n")
}

const URL_SECRETS: [&str; 4] = ["us3r", "passw0rd", "secret/path/t0ken", "key=s3cret&more=1"];
const URL: &str = "https://us3r:passw0rd@ci.example.com/secret/path/t0ken?key=s3cret&more=1";

fn world() -> World {
    let world = World::new();
    {
        let mut github = world.simulator.github();
        github.webhook_mut(world.hook).url = URL.into();
        github.add_token("ghp_checkpoint0only", Access::classic(&["repo"]));
        github.add_app(App::new(7, CLIENT_ID, TestKey::APP.public_der));
        github.install(Installation::new(
            "acme",
            &[
                ("organization_hooks", "write"),
                ("repository_hooks", "write"),
            ],
        ));
        let owner = Owner::Repository {
            owner: "acme".into(),
            name: "ops".into(),
        };
        let hook = github.add_webhook(owner, Webhook::new(URL));
        github
            .webhook_mut(hook)
            .log(Attempt::failed(guid(2), ago(8)));
    }
    world.log(Attempt::failed(guid(1), ago(10)));
    world
}

fn faults() -> Vec<Option<Fault>> {
    vec![
        None,
        Some(
            Fault::on("POST", "/attempts")
                .always()
                .status(403, r#"{"message":"no"}"#),
        ),
        Some(
            Fault::on("GET", "/hooks?")
                .always()
                .status(401, "<html>who are you</html>"),
        ),
        Some(
            Fault::on("GET", "/hooks?")
                .always()
                .body(format!(r#"[{{"id":1,"config":"{URL}"}}]"#)),
        ),
        Some(
            Fault::on("GET", "/hooks?")
                .always()
                .body(format!(r#"[{{"id":"{URL}","config":{{}}}}]"#)),
        ),
        Some(
            Fault::on("GET", "/variables/")
                .always()
                .body(r#"{"value":7}"#),
        ),
        Some(
            Fault::on("POST", "/access_tokens")
                .always()
                .body(r#""ghs_n0t0masked""#),
        ),
    ]
}

#[test]
fn no_secret_is_written_in_any_failure() {
    let key: Vec<&str> = TestKey::APP
        .pkcs1_pem
        .lines()
        .filter(|line| !line.starts_with('-'))
        .collect();
    for fault in faults() {
        for app in [false, true] {
            let world = world();
            let proxy = Proxy::start();
            proxy.require("pr0xy0user", "pr0xy0password");
            if let Some(fault) = fault.clone() {
                world.simulator.github().add_fault(fault);
            }
            let mut run = world
                .pass()
                .env("RUNNER_DEBUG", "1")
                .env(
                    "HTTPS_PROXY",
                    &proxy.url_with("pr0xy0user", "pr0xy0password"),
                )
                .input("repository", "acme/ops")
                .input("payload-url", "https://us3r:passw0rd@ci.example.com/*")
                .input("checkpoint-token", "ghp_checkpoint0only");
            if app {
                run = run.input("token", "").input("client-id", CLIENT_ID);
                run = run.input("private-key", TestKey::APP.pkcs1_pem);
            }
            let ended = run.run_executable();
            let written = written(&world, &ended);
            assert!(written.contains("debug"), "{written}");
            let github = world.simulator.github();
            let mut secrets: Vec<String> = URL_SECRETS.map(str::to_owned).to_vec();
            secrets.extend(
                [
                    "pr0xy0password",
                    "ghp_checkpoint0only",
                    TOKEN,
                    "ghs_n0t0masked",
                ]
                .map(str::to_owned),
            );
            secrets.extend(key.iter().map(|line| (*line).to_owned()));
            secrets.extend(github.minted().iter().map(|minted| minted.token.clone()));
            for request in github.requests() {
                let header = request.headers["authorization"].to_str().unwrap();
                secrets.push(header.trim_start_matches("Bearer ").to_owned());
            }
            for secret in secrets {
                for form in forms(&secret) {
                    assert!(
                        !written.contains(&form),
                        "{secret} of {fault:?}:\n{written}"
                    );
                }
            }
        }
    }
}
