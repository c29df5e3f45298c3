//! On a server: the README's environment file, as cron, systemd and a container engine read it.

use std::collections::BTreeMap;

use simulated_github::{App, Attempt, Installation, TestKey, guid};

use crate::credential_kinds::CLIENT_ID;
use crate::world::{World, ago};

/// The first block of this language in the README.
fn block(language: &str) -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");
    let readme = std::fs::read_to_string(path).unwrap();
    let (_, after) = readme.split_once(&format!("```{language}\n")).unwrap();
    after.split_once("```").unwrap().0.to_owned()
}

#[test]
fn the_readmes_environment_file_is_all_that_a_server_needs() {
    let world = World::new();
    world.log(Attempt::failed(guid(1), ago(10)));
    {
        let mut github = world.simulator.github();
        github.add_app(App::new(7, CLIENT_ID, TestKey::APP.public_der));
        github.install(Installation::new(
            "acme",
            &[("organization_hooks", "write")],
        ));
    }
    let folder = tempfile::tempdir().unwrap();
    let workspace = folder.path().join("workspace");
    std::fs::create_dir(&workspace).unwrap();
    std::fs::write(
        workspace.join("redeliver-webhooks.pem"),
        TestKey::APP.pkcs8_pem,
    )
    .unwrap();
    let file = block("sh");
    // Only the App and the paths differ here.
    let file = file
        .replace("Iv23liExample", CLIENT_ID)
        .replace("/etc/redeliver-webhooks.pem", "redeliver-webhooks.pem")
        .replace("/var/lib/redeliver-webhooks/", "")
        .replace("https://git.acme.com/api/v3", &world.simulator.url());
    let mut run = world
        .bare_pass()
        .unset("INPUT_TOKEN")
        .unset("GITHUB_ACTIONS");
    for name in [
        "INPUT_ORGANIZATION",
        "INPUT_API-URL",
        "INPUT_CONFIRM-TIMEOUT",
        "INPUT_MAX_PER_MINUTE",
    ] {
        run = run.unset(name);
    }
    // As container engines read such a file: no quotes, no substitutions.
    let variables: BTreeMap<&str, &str> = file
        .lines()
        .map(|line| line.split_once('=').unwrap())
        .collect();
    assert_eq!(variables.len(), 5);
    for (name, value) in variables {
        run = run.env(name, value);
    }
    let ended = run
        .without_files()
        .run_executable_in(folder.path())
        .success();
    assert!(ended.log.contains("Recovered"), "{}", ended.log);
    assert!(!ended.log.contains("::"), "{}", ended.log);
    assert!(workspace.join("checkpoint.json").exists());
    assert_eq!(world.redelivered().len(), 1);
}
