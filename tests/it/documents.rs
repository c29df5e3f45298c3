//! The documents are true of the program and of each other. (Inputs and outputs are in `inputs`, what a server needs is in
//! `server`, and `.ci/linters` looks at the workflows.)

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use chrono::TimeDelta;
use redeliver_webhooks::model::LONGEST_BACKOFF;
use simulated_github::{
    Attempt, Fault, GitHub, Owner, Protocols, Receiver, Simulator, Webhook, guid,
};

use crate::run::Run;
use crate::run_result::RunResult;
use crate::world::{DAY, TOKEN, World, ago};

/// Those that people read, and that lead to each other.
const DOCUMENTS: [&str; 6] = [
    "README.md",
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "tests/simulated-github/openapi/README.md",
];

fn read(file: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap()
}

/// A document's lines, without its blocks of code.
fn prose(text: &str) -> impl Iterator<Item = &str> {
    let mut in_code = false;
    text.lines().filter(move |line| {
        let mark = line.starts_with("```");
        in_code ^= mark;
        !in_code && !mark
    })
}

/// The lines under a heading, down to the next one of its level.
fn part<'a>(text: &'a str, heading: &'a str) -> impl Iterator<Item = &'a str> {
    prose(text)
        .skip_while(move |line| *line != heading)
        .skip(1)
        .take_while(|line| !line.starts_with("## "))
}

/// The messages that head the parts of Troubleshooting.
fn messages(readme: &str) -> Vec<&str> {
    part(readme, "## Troubleshooting")
        .filter_map(|line| line.strip_prefix("### "))
        .map(|heading| {
            let marks = heading.len() - heading.trim_start_matches('`').len();
            assert!(marks > 0, "{heading} is no literal message");
            heading[marks..heading.len() - marks].trim()
        })
        .collect()
}

/// The log and the summary of a run that brings a message about.
fn output_of(message: &str) -> String {
    let mut world = World::new();
    let mut inputs: Vec<(&str, String)> = Vec::new();
    let hook = world.hook;
    let mut twice = false;
    let mut run: fn(Run<'_>) -> RunResult = |run| run.run();
    world.log(Attempt::failed(guid(1), ago(10)));
    match message {
        "`token` is empty" => inputs.push(("token", String::new())),
        "is not an input" => inputs.push(("dryrun", "true".into())),
        "GitHub answered 401" => inputs.push(("token", "wrong".into())),
        // `it::permissions` holds them all.
        "GitHub answered 403" | "GitHub answered 404" | "there is no token for" => {
            return read("tests/it/permission_errors.txt");
        }
        "GitHub shows none that is active" => {
            world.simulator.github().webhook_mut(hook).active = false;
        }
        "GitHub could not be reached" => {
            inputs.push(("api-url", "http://127.0.0.1:1".into()));
            inputs.push(("time-limit", "1s".into()));
            run = |run| run.run_executable();
        }
        "the server's certificate is not trusted" => {
            world.simulator = Simulator::start_tls(GitHub::new(), Protocols::Both);
            run = |run| run.run_executable();
        }
        "`api-url` is http" => {
            let port = world.simulator.address().port();
            inputs.push(("api-url", format!("http://0.0.0.0:{port}")));
            run = |run| run.run_executable();
        }
        "GitHub's rate limit is reached" => {
            let mut github = world.simulator.github();
            let later = github.now() + TimeDelta::minutes(50);
            github.rate_limit = Some(5_000);
            github.set_rate_limit_used(TOKEN, 4_499, later);
        }
        "`time-limit` was reached" => {
            let slow = Fault::on("POST", "/attempts").delay_headers(Duration::from_secs(3));
            world.simulator.github().add_fault(slow.always());
            inputs.push(("time-limit", "1s".into()));
        }
        "checkpoint variable ... holds ... which is not a valid time" => {
            world.set_variable("yesterday")
        }
        "was written by a pass over" => {
            world.pass().run().success();
            let mut github = world.simulator.github();
            github.add_organization("beta");
            let webhook = Webhook::new("https://ci.example.com/hook");
            github.add_webhook(Owner::Organization("beta".into()), webhook);
            inputs.push(("organization", "beta".into()));
        }
        "The last checkpoint is older than GitHub redelivers" => {
            world.set_variable(&ago(8 * DAY).timestamp_millis().to_string());
        }
        "has been down since" => {
            world.simulator.github().webhook_mut(hook).receiver = Receiver::down();
            for n in 2..30 {
                world.log(Attempt::failed(guid(n), ago(10)));
            }
            // The first pass finds that out.
            twice = true;
        }
        "given up" => {
            world.log(Attempt::failed(guid(1), ago(9)).redelivery());
            world.log_healthy(20, 1);
            inputs.push(("max-redeliveries", "1".into()));
        }
        _ => panic!("no test brings about `{message}`: add one here"),
    }
    let pass = || {
        let inputs = inputs.iter();
        inputs.fold(world.pass(), |pass, (name, value)| pass.input(name, value))
    };
    if twice {
        run(pass());
    }
    let ended = run(pass());
    format!("{}\n{}", ended.log, ended.summary)
}

#[test]
fn troubleshooting_quotes_real_messages() {
    let readme = read("README.md");
    let messages = messages(&readme);
    assert!(messages.len() >= 15, "{messages:?}");
    for message in messages {
        let output = output_of(message);
        let mut rest = &*output;
        for part in message.split("...") {
            let part = part.trim();
            let at = rest.find(part);
            let at = at.unwrap_or_else(|| panic!("`{message}` is not in the output:\n{output}"));
            rest = &rest[at + part.len()..];
        }
    }
}

#[test]
fn a_quiet_pass_makes_as_many_requests_as_the_readme_says() {
    let count = |webhooks: usize| {
        let world = World::new();
        for _ in 1..webhooks {
            world.add_webhook();
        }
        world.log_healthy(20, 1);
        world.pass().run().success();
        // GitHub's time has whole seconds, and a checkpoint that did not move is not written.
        world.pass_time(TimeDelta::seconds(2));
        let before = world.requests("/");
        world.pass().run().success().outputs(&["result=healthy"]);
        world.requests("/") - before
    };
    let (one, three) = (count(1), count(3));
    let readme = read("README.md");
    let text = part(&readme, "## How often").collect::<Vec<_>>().join(" ");
    let says = |number: usize, what: &str| {
        assert!(
            text.contains(&format!("{number} {what}")),
            "{number} {what}: {text}"
        );
    };
    says(one, "requests for one organization's webhook");
    says((three - one) / 2, "for each further webhook");
    assert_eq!((three - one) % 2, 0);
    // In the table, for each of its schedules.
    let row = |cron: &str| part(&readme, "## How often").find(|line| line.starts_with(cron));
    for (cron, an_hour) in [("| `7,22,37,52 * * * *`", 4 * one), ("| `17 * * * *`", one)] {
        let cells: Vec<&str> = row(cron).unwrap().split('|').map(str::trim).collect();
        assert_eq!(cells[3], an_hour.to_string(), "{cron}");
    }
}

#[test]
fn the_readme_states_the_longest_backoff() {
    let readme = read("README.md");
    let row = part(&readme, "## Inputs").find(|line| line.starts_with("| `backoff`"));
    let limit = format!("up to {} minutes", LONGEST_BACKOFF.num_minutes());
    assert!(row.unwrap().contains(&limit), "write `{limit}`: {row:?}");
}

/// The anchor that GitHub makes of a heading's text.
fn anchor(heading: &str) -> String {
    let text = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = |letter: &char| letter.is_alphanumeric() || matches!(letter, ' ' | '-' | '_');
    text.chars()
        .filter(kept)
        .map(|letter| if letter == ' ' { '-' } else { letter })
        .collect()
}

#[test]
fn links_between_documents_lead_somewhere() {
    let mut found = 0;
    for document in DOCUMENTS {
        let text = read(document);
        let lines: Vec<&str> = prose(&text).collect();
        for link in lines.join("\n").split("](").skip(1) {
            let link = link.split([')', ' ']).next().unwrap();
            if link.starts_with("https://") {
                continue;
            }
            found += 1;
            let (file, place) = link.split_once('#').unwrap_or((link, ""));
            let folder = Path::new(document).parent().unwrap();
            let file = if file.is_empty() {
                document.into()
            } else {
                folder.join(file)
            };
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(&file);
            assert!(path.exists(), "{document}: {link}");
            if !place.is_empty() {
                let text = std::fs::read_to_string(path).unwrap();
                let headings = prose(&text).filter(|line| line.starts_with('#'));
                let anchors: BTreeSet<String> = headings.map(anchor).collect();
                assert!(
                    anchors.contains(place),
                    "{document}: {link} is none of {anchors:?}"
                );
            }
        }
    }
    assert!(found >= 15, "{found}");
}

#[test]
fn the_required_check_needs_every_job() {
    let workflow = read(".github/workflows/ci.yml");
    let jobs = workflow.lines().skip_while(|line| *line != "jobs:").skip(1);
    let name =
        |line: &&str| line.starts_with("  ") && !line.starts_with("   ") && line.ends_with(':');
    let mut jobs: BTreeSet<&str> = jobs
        .filter(name)
        .map(|line| line.trim().trim_end_matches(':'))
        .collect();
    assert!(jobs.remove("required"), "{jobs:?}");
    let needs = workflow
        .lines()
        .find_map(|line| line.trim().strip_prefix("needs: ["));
    let needs: BTreeSet<&str> = needs.unwrap().trim_end_matches(']').split(", ").collect();
    assert_eq!(jobs, needs);
}

#[test]
fn action_yml_starts_what_the_dockerfile_builds() {
    let action = read("action.yml");
    let entrypoint = action
        .lines()
        .find_map(|line| line.strip_prefix("  entrypoint: "));
    let line = format!("ENTRYPOINT [\"{}\"]", entrypoint.unwrap());
    assert!(
        read("Dockerfile").lines().any(|other| other == line),
        "{line}"
    );
}
