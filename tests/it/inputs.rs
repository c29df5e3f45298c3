//! Wrong inputs, and the documentation of right ones in the repository's files.

use redeliver_webhooks::inputs::NAMES;

use crate::world::World;

#[test]
fn all_wrong_inputs_are_reported_together_before_any_request() {
    let world = World::new();
    let run = world
        .pass()
        .input("dryrun", "true")
        .input("since", "3x")
        .input("fail-on", "never");
    let ended = run
        .run()
        .failure("`dryrun` is not an input. Did you mean `dry-run`?");
    let ended = ended
        .says("`since` `3x` is not accepted")
        .says("Nothing was done.");
    assert_eq!(
        ended.outputs.len(),
        11,
        "every output is written: {:?}",
        ended.outputs
    );
    let ended = ended.outputs(&["failed=0", "checkpoint=", "next-due=", "errors=2"]);
    assert!(ended.output("report").contains(r#""result":"error""#));
    assert_eq!(world.requests("/"), 0);
}

#[test]
fn a_name_that_others_use_for_an_input_is_an_error_with_the_right_name() {
    let world = World::new();
    for (name, meant) in [
        ("INPUT_GITHUB-TOKEN", "token"),
        ("INPUT_GH_TOKEN", "token"),
        ("INPUT_APP-ID", "client-id"),
        ("INPUT_APP_PRIVATE_KEY", "private-key"),
        ("INPUT_ORGANISATION", "organization"),
        ("INPUT_ORG", "organization"),
        ("INPUT_REPO", "repository"),
        ("INPUT_GITHUB-API-URL", "api-url"),
        ("INPUT_HOOK_IDS", "hook-id"),
        ("INPUT_WEBHOOK-ID", "hook-id"),
        ("INPUT_LAST_REDELIVERY_VARIABLE_NAME", "checkpoint-variable"),
    ] {
        let ended = world.pass().env(name, "x").run();
        ended.failure(&format!("is not an input. Did you mean `{meant}`?"));
    }
    assert_eq!(world.requests("/"), 0);
}

#[test]
fn the_inputs_of_other_actions_are_ignored_with_one_warning() {
    let world = World::new();
    let mut run = world.pass();
    for (name, value) in [
        ("INPUT_FETCH-DEPTH", "0"),
        ("INPUT_NODE_VERSION", "24"),
        ("INPUT_PATH", "~/.npm"),
        ("INPUT_ARGS", "x"),
        ("INPUT_ENTRYPOINT", "/x"),
        ("INPUT_EMPTY", ""),
    ] {
        run = run.env(name, value);
    }
    let ended = run.run().success().outputs(&["result=healthy"]);
    let warnings = ended
        .log
        .lines()
        .filter(|line| line.starts_with("::warning::"));
    let warnings: Vec<&str> = warnings.collect();
    let ignored =
        "::warning::Ignored `fetch-depth`, `node-version`, `path`: not inputs of this action.";
    assert!(
        matches!(warnings[..], [one] if one.starts_with(ignored)),
        "{warnings:?}"
    );
    assert!(ended.summary.contains("Ignored"), "{}", ended.summary);
    world.pass().run().success();
}

#[test]
fn underscores_work_as_an_env_file_needs_them() {
    let world = World::new();
    let run = world
        .bare_pass()
        .unset("INPUT_API-URL")
        .env("INPUT_API_URL", &world.simulator.url());
    let run = run.env("INPUT_DRY_RUN", "True").unset("GITHUB_ACTIONS");
    let ended = run.run().success().says("dry run");
    assert!(
        !ended.log.contains("::"),
        "no commands on a server: {}",
        ended.log
    );
}

#[test]
fn the_runners_api_url_is_the_default() {
    let world = World::new();
    let run = world.bare_pass().unset("INPUT_API-URL");
    run.env("GITHUB_API_URL", &world.simulator.url())
        .run()
        .success();
}

#[test]
fn help_and_version_are_the_only_arguments() {
    let world = World::new();
    world
        .pass()
        .argument("--help")
        .run_executable()
        .success()
        .says("INPUT_TOKEN");
    let version = world
        .pass()
        .argument("--version")
        .run_executable()
        .success()
        .log;
    assert_eq!(
        version,
        concat!("redeliver-webhooks ", env!("CARGO_PKG_VERSION"), "\n")
    );
    let ended = world.pass().argument("scan").run_executable();
    ended.failure("`scan` is not accepted");
    world
        .pass()
        .argument("--help")
        .argument("x")
        .run_executable()
        .failure("`--help` is not accepted");
    assert_eq!(world.requests("/"), 0);
}

/// `(name, default)` of each entry of a section of `action.yml`, by its indentation.
fn section(name: &str) -> Vec<(String, String)> {
    let file = read("action.yml");
    let mut entries: Vec<(String, String)> = Vec::new();
    let lines = file.lines().skip_while(|line| *line != format!("{name}:"));
    for line in lines
        .skip(1)
        .take_while(|line| line.is_empty() || line.starts_with(' '))
    {
        let indentation = line.len() - line.trim_start().len();
        let Some((key, value)) = line.trim().split_once(':') else {
            continue;
        };
        match (indentation, key) {
            (2, key) => entries.push((key.to_owned(), String::new())),
            (4, "default") => {
                let value = value.trim().trim_matches(['\'', '"']).to_owned();
                entries.last_mut().unwrap().1 = value;
            }
            _ => {}
        }
    }
    entries
}

fn read(file: &str) -> String {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    std::fs::read_to_string(path).unwrap()
}

/// The first two columns of the table under a heading of `README.md`, without back-ticks.
fn table(heading: &str) -> Vec<(String, String)> {
    let readme = read("README.md");
    let lines = readme
        .lines()
        .skip_while(|line| *line != format!("## {heading}"));
    let rows = lines.skip_while(|line| !line.starts_with("| ---")).skip(1);
    let row = |line: &str| {
        let mut cells = line
            .trim_matches('|')
            .split('|')
            .map(|cell| cell.trim().replace('`', ""));
        (cells.next().unwrap(), cells.next().unwrap())
    };
    rows.take_while(|line| line.starts_with('|'))
        .map(row)
        .collect()
}

#[test]
fn action_yml_readme_and_binary_name_the_same_inputs() {
    let declared = section("inputs");
    let names: Vec<&str> = declared.iter().map(|(name, _)| &**name).collect();
    assert_eq!(names, NAMES);
    assert_eq!(table("Inputs").len(), NAMES.len());
    for ((name, default), (documented, documented_default)) in declared.iter().zip(table("Inputs"))
    {
        assert_eq!(*name, documented);
        match &**default {
            "${{ github.api_url }}" => {
                assert_eq!(documented_default, "the workflow's GitHub", "{name}")
            }
            "${{ github.repository }}" => {
                assert_eq!(documented_default, "the workflow's repository", "{name}");
            }
            default => assert_eq!(documented_default, default, "{name}"),
        }
    }
}

#[test]
fn the_defaults_of_action_yml_are_the_binarys() {
    // Without a value, the binary does the same as with the default in action.yml.
    let literal = |(_, default): &(String, String)| !default.is_empty() && !default.contains("${{");
    let defaults: Vec<_> = section("inputs").into_iter().filter(literal).collect();
    assert!(defaults.len() >= 4, "{defaults:?}");
    let parsed = |more: &[(String, String)]| {
        let mut variables = vec![
            ("INPUT_TOKEN".into(), "t".into()),
            ("INPUT_ORGANIZATION".into(), "acme".into()),
        ];
        variables.extend(more.iter().map(|(name, value)| {
            (
                format!("INPUT_{}", name.to_uppercase()).into(),
                value.into(),
            )
        }));
        let environment = redeliver_webhooks::inputs::Environment::new(variables);
        format!("{:?}", environment.inputs(chrono::Utc::now()).unwrap())
    };
    assert_eq!(parsed(&defaults), parsed(&[]));
}

#[test]
fn action_yml_readme_and_binary_name_the_same_outputs() {
    let world = World::new();
    let declared: Vec<String> = section("outputs")
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    let documented: Vec<String> = table("Outputs").into_iter().map(|(name, _)| name).collect();
    let mut written: Vec<String> = world.pass().run().success().outputs.into_keys().collect();
    assert_eq!(declared, documented);
    let mut sorted = declared;
    sorted.sort();
    written.sort();
    assert_eq!(sorted, written);
}

#[test]
fn inputs_that_arrive_empty_are_unset() {
    // The runner passes every input without a value and a default like this.
    let world = World::new();
    let mut run = world.pass();
    for name in NAMES {
        if !["token", "organization", "api-url", "checkpoint-variable"].contains(name) {
            run = run.input(name, "");
        }
    }
    run.run().success().outputs(&["result=healthy"]);
    assert!(world.checkpoint().is_some());
}

#[test]
fn credentials_in_a_wrong_address_are_not_shown() {
    let world = World::new();
    for address in [
        "https://user:hunter2@git.acme.com/api/v3",
        "user:hunter2@git.acme.com",
    ] {
        let ended = world.pass().input("api-url", address).run();
        assert!(!ended.log.contains("hunter2"), "{}", ended.log);
        ended.failure("without user name, password or query");
    }
    let asked = "https://git.acme.com/api/v3?access_token=hunter2";
    let ended = world.pass().input("api-url", asked).run();
    assert!(!ended.log.contains("hunter2") && !ended.summary.contains("hunter2"));
    ended.failure("`api-url` `https://git.acme.com` is not accepted");
}
