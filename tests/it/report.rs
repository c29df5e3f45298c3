//! The report as JSON: the output and the file, held to their schema.

use std::fs;
use std::path::Path;

use jsonschema::Validator;
use serde_json::Value;
use simulated_github::{Attempt, Fault, Receiver, guid};

use crate::run_result::RunResult;
use crate::world::{DAY, HOUR, TOKEN, World, ago};

/// The largest output, in bytes.
const OUTPUT: usize = 96 * 1024;

fn schema() -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema/report.v1.json");
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

/// Readers must allow for more fields, but here every field must be in the schema.
fn without_more(schema: &mut Value) {
    match schema {
        Value::Object(map) => {
            if map.contains_key("properties") && map.contains_key("type") {
                map.insert("additionalProperties".into(), false.into());
            }
            map.values_mut().for_each(without_more);
        }
        Value::Array(list) => list.iter_mut().for_each(without_more),
        _ => {}
    }
}

fn validator(schema: &Value) -> Validator {
    jsonschema::options()
        .should_validate_formats(true)
        .build(schema)
        .unwrap()
}

#[track_caller]
fn valid(text: &str) -> Value {
    let report: Value = serde_json::from_str(text).unwrap();
    let mut strict = schema();
    without_more(&mut strict);
    for schema in [schema(), strict] {
        let validator = validator(&schema);
        let problems: Vec<String> = validator
            .iter_errors(&report)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert_eq!(problems, [""; 0], "{report:#}");
    }
    report
}

/// One pass with a report file. The output and the file are valid, and the same.
#[track_caller]
fn reported(run: crate::run::Run<'_>) -> (RunResult, Value) {
    let folder = tempfile::tempdir().unwrap();
    let ended = run
        .input("report-file", "out/report.json")
        .run_in(folder.path());
    let path = folder.path().join("workspace/out/report.json");
    let file = valid(&fs::read_to_string(path).unwrap());
    let output = valid(ended.output("report"));
    assert_eq!(file, output);
    (ended, file)
}

#[test]
fn a_quiet_pass_has_a_whole_report() {
    let world = World::new();
    world.log_healthy(120, 5);
    let (_, report) = reported(world.pass());
    assert_eq!(report["result"], "healthy");
    assert_eq!(report["first_pass"], true);
    assert_eq!(report["credential"], "personal access token (classic)");
    assert_eq!(report["webhooks"][0]["pages"], 2);
    assert_eq!(report["webhooks"][0]["receiver"], "https://ci.example.com");
    assert_eq!(report["deliveries"], Value::Array(vec![]));
    assert!(report["remaining"]["left"].as_u64() < report["remaining"]["limit"].as_u64());
    let (_, second) = reported(world.pass());
    assert_eq!(second["first_pass"], false);
}

#[test]
fn the_report_lists_every_request_with_its_delivery() {
    let world = World::new();
    world.log_healthy(5, 2);
    let poisoned = Receiver::up().poisoned(guid(2));
    world.simulator.github().webhook_mut(world.hook).receiver = poisoned;
    let recovered = world.log(Attempt::failed(guid(1), ago(HOUR)));
    let again = Attempt::failed(guid(2), ago(HOUR)).event("pull_request", Some("opened"));
    world.log(again.clone());
    let again = world.log(again.redelivery());
    let refused = world.log(Attempt::failed(guid(3), ago(HOUR)));
    let mut github = world.simulator.github();
    github.refuse(refused, 422, "Validation Failed");
    drop(github);
    world.log(Attempt::failed(guid(4), ago(8 * DAY)));
    world.log(Attempt::failed(guid(4), ago(20)).redelivery());
    let (ended, report) = reported(world.pass().input("backoff", "0"));
    ended.outputs(&["failed=4", "redelivered=2"]);
    let of = |n| {
        let deliveries = report["deliveries"].as_array().unwrap();
        let found = deliveries.iter().find(|each| each["guid"] == guid(n));
        found.unwrap().clone()
    };
    assert_eq!(of(1)["outcome"], "recovered");
    assert_eq!(of(1)["requests"][0]["attempt"], recovered.to_string());
    assert_eq!(of(1)["requests"][0]["answer"], "accepted");
    let log = world.simulator.github().attempts(world.hook);
    let success = log
        .iter()
        .find(|row| row.guid == guid(1) && row.redelivery)
        .unwrap();
    assert_eq!(of(1)["delivered"]["id"], success.id.to_string());
    assert_eq!(of(2)["outcome"], "failed-again");
    assert_eq!(of(2)["event"], "pull_request");
    assert_eq!(of(2)["action"], "opened");
    assert_eq!(of(2)["attempts"].as_array().unwrap().len(), 3);
    assert_eq!(of(2)["requests"][0]["attempt"], again.to_string());
    assert_eq!(of(2)["delivered"], Value::Null);
    assert_eq!(of(3)["outcome"], "refused");
    let request = &of(3)["requests"][0];
    assert_eq!(request["answer"], "refused");
    let message = request["message"].as_str().unwrap();
    assert!(message.contains("422 `Validation Failed`"), "{message}");
    assert_eq!(of(4)["outcome"], "expired");
    assert_eq!(of(4)["requests"], Value::Array(vec![]));
    let made: usize = report["deliveries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|each| each["requests"].as_array().unwrap().len())
        .sum();
    assert_eq!(made, world.requests("/attempts"), "no more and no fewer");
}

#[test]
fn the_report_marks_unclear_and_unsent_requests() {
    let world = World::new();
    world.log(Attempt::failed(guid(1), ago(HOUR)));
    let fault = Fault::on("POST", "/attempts").status(502, "<html>");
    world.simulator.github().add_fault(fault);
    let (_, report) = reported(world.pass().input("confirm-timeout", "0"));
    let request = &report["deliveries"][0]["requests"][0];
    assert_eq!(request["answer"], "unclear", "{request}");
    assert_eq!(report["deliveries"][0]["outcome"], "unconfirmed");
}

#[test]
fn wrong_inputs_and_a_dry_run_have_reports_too() {
    let world = World::new();
    world.log(Attempt::failed(guid(1), ago(HOUR)));
    let (_, report) = reported(world.pass().input("max-per-minute", "fast"));
    assert_eq!(
        (&report["result"], &report["began"]),
        (&"error".into(), &Value::Null)
    );
    let (_, report) = reported(world.pass().input("dry-run", "true"));
    assert_eq!(report["dry_run"], true);
    assert_eq!(report["counts"]["deferred"], 1);
    // The workspace itself is not a file.
    let ended = world.pass().input("report-file", ".").run();
    ended.failure("is a directory, not a regular file");
}

#[test]
fn a_delivery_that_an_earlier_pass_gave_up_is_listed_and_counts_nowhere() {
    let world = World::new();
    world.log(Attempt::failed(guid(1), ago(4 * HOUR)));
    for minutes in [30, 25, 20] {
        world.log(Attempt::failed(guid(1), ago(minutes)).redelivery());
        world.log_healthy(1, minutes);
    }
    let pass = || world.pass().input("max-redeliveries", "3");
    let (ended, _) = reported(pass());
    ended.outputs(&["lost=1"]);
    let (ended, report) = reported(pass());
    ended.outputs(&["lost=0", "failed=0"]);
    assert_eq!(report["given_up_earlier"], 1);
    assert_eq!(
        report["webhooks"][0]["given_up_earlier"][0]["guid"],
        guid(1)
    );
}

#[test]
fn an_output_that_is_too_long_is_cut_to_counts_and_causes_and_the_file_is_not() {
    let world = World::new();
    let long = "x".repeat(2_000);
    for n in 0..400 {
        let status = format!("{n} {long}");
        world.log(Attempt::failed(guid(n), ago(HOUR)).with_status(status, 500));
    }
    let folder = tempfile::tempdir().unwrap();
    let run = world.pass().input("dry-run", "true");
    let ended = run.input("report-file", "r.json").run_in(folder.path());
    let output = valid(ended.output("report"));
    assert!(ended.output("report").len() <= OUTPUT);
    assert_eq!(output["cut"], true);
    assert_eq!(output["counts"]["deferred"], 400);
    let causes = output["causes"].as_array().unwrap().len() as u64;
    assert!(causes > 20, "as many as fit: {causes}");
    assert_eq!(output["causes_left_out"].as_u64(), Some(400 - causes));
    assert_eq!(output.get("deliveries"), None);
    let file = fs::read_to_string(folder.path().join("workspace/r.json")).unwrap();
    assert!(file.len() > 2 * OUTPUT);
    let file = valid(&file);
    assert_eq!(file["cut"], false);
    assert_eq!(file["deliveries"].as_array().unwrap().len(), 400);
    assert!(
        ended
            .summary
            .contains("more: all are in the report, `r.json`.")
    );
}

#[test]
fn responses_of_receivers_are_shown_only_with_show_responses() {
    let world = World::new();
    let body = format!(
        "{{\"error\":\"`|<img>\n::error::boo ##[error]\u{202e}\"}}{}",
        "é".repeat(400)
    );
    let failed = |n, minutes| Attempt::failed(guid(n), ago(minutes)).answered(body.clone());
    world.log(failed(1, 50).answered("old"));
    let newest = world.log(failed(2, 40));
    world.log(failed(3, 30).with_status("timed out", 504).answered(""));
    let alone = |world: &World| {
        let github = world.simulator.github();
        let paths = github.requests().iter();
        let alone =
            paths.filter(|each| each.method == "GET" && !each.path_and_query.ends_with("hooks"));
        let ids = alone.filter_map(|each| {
            let (_, id) = each.path_and_query.rsplit_once("/deliveries/")?;
            id.parse::<u64>().ok()
        });
        ids.collect::<Vec<u64>>()
    };
    let (ended, report) = reported(world.pass().input("dry-run", "true"));
    assert_eq!(alone(&world), [0; 0]);
    assert!(!ended.summary.contains("img") && report["causes"][0].get("sample").is_none());

    let run = world.pass().input("dry-run", "true");
    let (ended, report) = reported(run.input("show-responses", "true"));
    assert_eq!(alone(&world).len(), 2, "one a cause");
    assert_eq!(alone(&world)[0], newest, "the newest");
    let sample = &report["causes"][0]["sample"];
    assert_eq!(sample["status"], "503 Service Unavailable");
    assert_eq!(sample["seconds"], 0.27);
    assert_eq!(sample["body_cut"], true);
    assert_eq!(report["causes"][1]["sample"]["body"], "");
    let sample = "`503 Service Unavailable` after 0.27 s: `{\"error\":\"'¦<img> ::error::boo";
    assert!(ended.summary.contains(sample), "{}", ended.summary);
    assert!(!ended.log.contains("img"), "the log has none of it");
    for secret in [TOKEN, "secret-path", "secret-key"] {
        assert!(!ended.summary.contains(secret), "{secret}");
    }
}

#[test]
fn a_receivers_response_that_cannot_be_read_fails_nothing() {
    let world = World::new();
    world.log(Attempt::failed(guid(1), ago(HOUR)));
    world.log(Attempt::failed(guid(2), ago(HOUR)).with_status("timed out", 504));
    let id = world.simulator.github().attempts(world.hook)[0].id;
    let fault = Fault::on("GET", &format!("/deliveries/{id}")).status(403, r#"{"message":"No"}"#);
    world.simulator.github().add_fault(fault);
    let run = world.pass().input("show-responses", "true");
    let (ended, report) = reported(run);
    let ended = ended.success().outputs(&["result=recovered", "errors=0"]);
    assert!(
        ended
            .summary
            .contains("not told (`GitHub answered 403 'No'`)"),
        "{}",
        ended.summary
    );
    let causes = report["causes"].as_array().unwrap();
    let shown = causes
        .iter()
        .filter(|cause| cause["sample"]["error"].is_string());
    assert_eq!(shown.count(), 1);
}

/// Names and statuses that would like to be outputs, commands, markup or the end of a heredoc.
const HOSTILE: &str = "EOF\nresult=healthy\nresult<<EOF\nhealthy\nEOF\r\n::set-output name=result::healthy\n\
                       ##[set-output name=result]healthy\u{2028}report={}\u{202e}`|<img src=x> ](http://evil.com)";

#[test]
fn hostile_values_stay_within_their_output_as_the_runner_reads_it() {
    let world = World::new();
    let long = format!("{HOSTILE}{}", "\n=\n<<\n".repeat(500));
    for (n, text) in [(1, HOSTILE), (2, &*long), (3, "<<"), (4, "="), (5, "\n\n")] {
        world.log(
            Attempt::failed(guid(n), ago(HOUR))
                .with_status(text, 500)
                .event(text, Some(text))
                .answered(text),
        );
    }
    world.log(Attempt::failed(HOSTILE, ago(HOUR)));
    let body = serde_json::json!({ "message": HOSTILE }).to_string();
    let fault = Fault::on("POST", "/attempts").status(422, &body);
    world.simulator.github().add_fault(fault);
    let run = world.pass().input("show-responses", "true");
    let (ended, report) = reported(run);
    let names: Vec<&str> = ended.outputs.keys().map(String::as_str).collect();
    let expected = [
        "checkpoint",
        "errors",
        "failed",
        "lost",
        "next-due",
        "open",
        "recovered",
        "redelivered",
        "report",
        "result",
        "scanned",
    ];
    assert_eq!(names, expected, "no output is added");
    let ended = ended.outputs(&["result=open", "failed=6", "lost=0", "errors=0"]);
    assert_eq!(ended.output("report").lines().count(), 1);
    assert!(!ended.log.contains("##["), "{}", ended.log);
    let commands = ended
        .log
        .lines()
        .filter(|line| line.trim_start().starts_with("::"));
    let known = [
        "::add-mask::",
        "::group::",
        "::endgroup::",
        "::error::Recovered ",
    ];
    for command in commands {
        assert!(
            known.iter().any(|known| command.starts_with(known)),
            "{command}"
        );
    }
    // The report is for machines, so it keeps the text unchanged.
    let deliveries = report["deliveries"].as_array().unwrap();
    assert!(
        deliveries
            .iter()
            .any(|each| each["status"] == HOSTILE && each["event"] == HOSTILE)
    );
    assert!(deliveries.iter().any(|each| each["guid"] == HOSTILE));
    for line in ended.summary.lines().filter(|line| line.contains("img")) {
        let outside = line.split('`').step_by(2);
        assert_eq!(
            outside.filter(|text| text.contains("<img")).count(),
            0,
            "{line}"
        );
    }
}

#[test]
fn at_most_one_annotation_of_each_kind_is_written() {
    let world = World::new();
    let other = world.add_webhook();
    for hook in [world.hook, other] {
        world.log_at(hook, Attempt::failed(guid(1), ago(HOUR)));
        world.log_at(hook, Attempt::failed(guid(2), ago(7 * DAY - 2 * HOUR)));
        let row = Attempt::failed(guid(3), ago(HOUR)).raw(serde_json::json!({ "id": "x" }));
        world.log_at(hook, row);
    }
    let fault = Fault::on("POST", "/attempts")
        .status(403, r#"{"message":"No"}"#)
        .always();
    world.simulator.github().add_fault(fault);
    let ended = world.bare_pass().run();
    assert_eq!(ended.code, Some(1));
    for kind in ["::error::", "::warning::"] {
        let lines = ended.log.lines().filter(|line| line.starts_with(kind));
        assert_eq!(lines.count(), 1, "{kind}\n{}", ended.log);
    }
    let notices = ended
        .log
        .lines()
        .filter(|line| line.starts_with("::notice::"));
    assert!(notices.count() <= 1);
}
