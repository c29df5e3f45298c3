mod owners;
mod secrets;
mod unknown;

use std::ffi::OsString;

use chrono::{DateTime, TimeDelta, Utc};

use super::*;

fn now() -> DateTime<Utc> {
    "2026-11-22T12:00:00Z".parse().unwrap()
}

fn environment(variables: &[(&str, &str)]) -> Environment {
    Environment::new(
        variables
            .iter()
            .map(|(key, value)| (key.into(), value.into())),
    )
}

/// The inputs from a token, an organization and `more`, which may replace them.
fn with(more: &[(&str, &str)]) -> Result<Inputs, Vec<InputError>> {
    let mut variables = vec![("INPUT_TOKEN", "t0ken"), ("INPUT_ORGANIZATION", "acme")];
    variables.retain(|(key, _)| !more.iter().any(|(other, _)| other == key));
    variables.extend(more);
    environment(&variables).inputs(now())
}

fn error(more: &[(&str, &str)]) -> String {
    messages(with(more))
}

fn messages(inputs: Result<Inputs, Vec<InputError>>) -> String {
    let errors = inputs.expect_err("an input is wrong");
    let messages: Vec<String> = errors.iter().map(ToString::to_string).collect();
    messages.join("\n")
}

#[test]
fn a_token_and_an_organization_are_enough() {
    let inputs = with(&[]).unwrap();
    assert_eq!(inputs.targets.names(), ["acme"]);
    assert!(matches!(inputs.credential, Credential::Token(_)));
    assert_eq!(inputs.one_off, None);
    assert_eq!(inputs.policy, Policy::default());
    assert!(inputs.checkpoint.is_none());
    assert!(!inputs.dry_run);
    assert_eq!(inputs.fail_on, FailOn::Lost);
    assert_eq!(inputs.api, ApiBase::default());
}

#[test]
fn hyphens_and_underscores_name_the_same_input() {
    for key in ["INPUT_DRY-RUN", "INPUT_DRY_RUN", "INPUT_dry_run"] {
        assert!(with(&[(key, "true")]).unwrap().dry_run, "{key}");
    }
    let both = with(&[("INPUT_DRY-RUN", "true"), ("INPUT_DRY_RUN", " true ")]);
    assert!(both.unwrap().dry_run);
    assert_eq!(
        error(&[("INPUT_DRY-RUN", "true"), ("INPUT_DRY_RUN", "false")]),
        "`dry-run` is set in two spellings, and the values differ: remove one of them. Nothing was done."
    );
}

#[test]
fn an_empty_input_is_unset_even_under_a_wrong_name() {
    let inputs = with(&[
        ("INPUT_HOOK-ID", ""),
        ("INPUT_SINCE", " \n"),
        ("INPUT_DRY-RUN", ""),
        ("INPUT_API-URL", ""),
        ("INPUT_NOSUCH", ""),
        ("GITHUB_API_URL", ""),
    ]);
    assert!(inputs.is_ok(), "{inputs:?}");
}

#[test]
fn commas_and_new_lines_separate_the_items_of_a_list() {
    let inputs = with(&[("INPUT_HOOK_ID", "1, 2\n3,\n,2\n")]).unwrap();
    assert_eq!(
        inputs.targets.names(),
        ["acme webhook 1", "acme webhook 2", "acme webhook 3"]
    );
    let several = environment(&[
        ("INPUT_TOKEN", "t"),
        ("INPUT_ORGANIZATION", "acme\nbeta , Acme"),
    ]);
    let several = several.inputs(now()).unwrap();
    assert_eq!(several.targets.names(), ["acme", "beta"]);
}

#[test]
fn an_error_names_the_input_shows_the_value_and_says_what_to_do() {
    let cases = [
        (
            "INPUT_ORGANIZATION",
            "acme,b/c",
            "`organization` `b/c` is not accepted: write the",
        ),
        ("INPUT_ORGANIZATION", "*", "`organization` `*` needs an App"),
        ("INPUT_ORGANIZATION", "!*", "`organization` `!*`"),
        (
            "INPUT_ORGANIZATION",
            "acme,!Acme",
            "`organization` names only what to leave out",
        ),
        (
            "INPUT_REPOSITORY",
            "ops",
            "`repository` `ops` is not accepted: write `owner/name`",
        ),
        ("INPUT_REPOSITORY", "*/ops", "`repository` `*/ops`"),
        ("INPUT_REPOSITORY", "*/*", "`repository` `*/*`"),
        (
            "INPUT_REPOSITORY",
            "!acme/ops",
            "`repository` names only what to leave out",
        ),
        (
            "INPUT_APP-WEBHOOK",
            "true",
            "`app-webhook` needs the App itself",
        ),
        (
            "INPUT_APP-WEBHOOK",
            "1",
            "`app-webhook` `1` is not accepted",
        ),
        (
            "INPUT_CLIENT-ID",
            "Iv1.1",
            "`token` is set together with `client-id` or `private-key`",
        ),
        (
            "INPUT_PRIVATE-KEY",
            "x",
            "`token` is set together with `client-id` or `private-key`",
        ),
        (
            "INPUT_CHECKPOINT-TOKEN",
            "x",
            "`checkpoint-token` is set, but `checkpoint-variable` is not",
        ),
        (
            "INPUT_HOOK-ID",
            "0",
            "`hook-id` `0` is not accepted: write the number",
        ),
        ("INPUT_HOOK-ID", "12x", "`hook-id` `12x`"),
        ("INPUT_HOOK-ID", "-1", "`hook-id` `-1`"),
        (
            "INPUT_SINCE",
            "3x",
            "`since` `3x` is not accepted: write how long ago",
        ),
        ("INPUT_SINCE", "0h", "`since` `0h`"),
        ("INPUT_SINCE", "h", "`since` `h`"),
        ("INPUT_SINCE", "+3h", "`since` `+3h`"),
        ("INPUT_SINCE", "99999999999999999999d", "`since` `9999"),
        ("INPUT_SINCE", "9223372036854775807d", "`since` `9223"),
        (
            "INPUT_SINCE",
            "2026-11-22T12:00:01Z",
            "`since` `2026-11-22T12:00:01Z`",
        ),
        ("INPUT_SINCE", "2026-11-20", "`since` `2026-11-20`"),
        ("INPUT_SINCE", "3µ", "`since` `3µ`"),
        (
            "INPUT_UNTIL",
            "tomorrow",
            "`until` `tomorrow` is not accepted: write how long ago",
        ),
        (
            "INPUT_MAX-AGE",
            "0d",
            "`max-age` `0d` is not accepted: write a whole number",
        ),
        (
            "INPUT_MAX-AGE",
            "4d",
            "`max-age` is longer than GitHub redelivers: write `3d` or less",
        ),
        (
            "INPUT_MAX-REDELIVERIES",
            "0",
            "`max-redeliveries` `0` is not accepted: write a whole number",
        ),
        ("INPUT_MAX-REDELIVERIES", "-1", "`max-redeliveries` `-1`"),
        (
            "INPUT_MAX-PER-MINUTE",
            "0",
            "`max-per-minute` `0` is not accepted: write a whole number of redeliveries per minute",
        ),
        (
            "INPUT_BACKOFF",
            "5",
            "`backoff` `5` is not accepted: write a whole number and its unit",
        ),
        (
            "INPUT_EVENTS",
            "push,Pull Request",
            "`events` `Pull Request` is not accepted: write events",
        ),
        (
            "INPUT_STATUSES",
            "5xx, 9xx",
            "`statuses` `9xx` is not accepted: write a code (`404`)",
        ),
        (
            "INPUT_CHECKPOINT-VARIABLE",
            "1ST",
            "`checkpoint-variable` `1ST`",
        ),
        (
            "INPUT_CHECKPOINT-VARIABLE",
            "a-b",
            "`checkpoint-variable` `a-b`",
        ),
        (
            "INPUT_CHECKPOINT-VARIABLE",
            "github_x",
            "`checkpoint-variable` `github_x`",
        ),
        (
            "INPUT_CHECKPOINT-VARIABLE",
            "OK",
            "`checkpoint-repository` is not set",
        ),
        (
            "INPUT_CHECKPOINT-REPOSITORY",
            "acme",
            "`checkpoint-repository` `acme`",
        ),
        (
            "INPUT_CHECKPOINT-REPOSITORY",
            "a/b/c",
            "`checkpoint-repository` `a/b/c`",
        ),
        (
            "INPUT_CHECKPOINT-REPOSITORY",
            "a/..",
            "`checkpoint-repository` `a/..`",
        ),
        (
            "INPUT_DRY-RUN",
            "yes",
            "`dry-run` `yes` is not accepted: write `true` or `false`",
        ),
        (
            "INPUT_FAIL-ON",
            "lots",
            "`fail-on` `lots` is not accepted: write `never`, `error`, `lost` or `open`",
        ),
        (
            "INPUT_API-URL",
            "api.github.com",
            "`api-url` `api.github.com` is not accepted",
        ),
        (
            "GITHUB_API_URL",
            "ftp://x",
            "`api-url` `ftp://x` is not accepted",
        ),
    ];
    for (key, value, expected) in cases {
        let error = error(&[(key, value)]);
        assert!(error.starts_with(expected), "{key}={value}: {error}");
        assert!(error.ends_with(". Nothing was done."), "{error}");
    }
}

#[test]
fn several_wrong_inputs_are_reported_together() {
    let errors = environment(&[("INPUT_SINCE", "x"), ("INPUT_DRYRUN", "y")])
        .inputs(now())
        .unwrap_err();
    assert_eq!(errors.len(), 4, "{errors:?}");
}

#[test]
fn a_token_is_required_and_trimmed() {
    assert!(with(&[("INPUT_TOKEN", "t0ken\n")]).is_ok());
    let missing = environment(&[("INPUT_ORGANIZATION", "acme")]).inputs(now());
    assert!(messages(missing).starts_with("`token` is empty: pass a personal access token"));
}

#[test]
fn since_is_a_duration_or_a_time() {
    let since = |value| {
        let inputs = with(&[("INPUT_SINCE", value)]).unwrap();
        inputs.one_off.and_then(|one_off| one_off.since).unwrap()
    };
    assert_eq!(since("90s").resolve(now()), now() - TimeDelta::seconds(90));
    assert_eq!(since("15m").resolve(now()), now() - TimeDelta::minutes(15));
    assert_eq!(since("6h").resolve(now()), now() - TimeDelta::hours(6));
    assert_eq!(since("3d").resolve(now()), now() - TimeDelta::days(3));
    assert_eq!(
        since("2026-11-22T13:00:00+02:00").resolve(now()),
        now() - TimeDelta::hours(1)
    );
    let ages = since("99999999999d");
    assert_eq!(ages.resolve(now()), DateTime::<Utc>::MIN_UTC);
}

#[test]
fn the_checkpoint_is_in_the_workflows_repository_unless_named() {
    let variable = ("INPUT_CHECKPOINT_VARIABLE", "last_redelivery");
    let workflow = ("GITHUB_REPOSITORY", "acme/ops");
    let place_of = |inputs: &[(&str, &str)]| match with(inputs).unwrap().checkpoint {
        Some(CheckpointPlace::Variable { variable, .. }) => {
            format!("{} in {}", variable.name, variable.repository)
        }
        other => format!("{other:?}"),
    };
    let place = place_of(&[variable, workflow]);
    assert_eq!(place, "LAST_REDELIVERY in acme/ops");
    let named = ("INPUT_CHECKPOINT_REPOSITORY", "acme/state");
    let place = place_of(&[variable, workflow, named]);
    assert_eq!(place, "LAST_REDELIVERY in acme/state");
}

#[test]
fn the_runner_is_known_even_if_inputs_are_wrong() {
    let environment = environment(&[
        ("GITHUB_ACTIONS", "true"),
        ("RUNNER_DEBUG", "1"),
        ("GITHUB_OUTPUT", "/github/file_commands/out"),
        ("GITHUB_STEP_SUMMARY", ""),
        ("INPUT_SINCE", "nonsense"),
    ]);
    let runner = environment.runner();
    assert!(runner.in_actions && runner.debug);
    assert_eq!(
        runner.output_file.as_deref(),
        Some("/github/file_commands/out".as_ref())
    );
    assert_eq!(runner.summary_file, None);
}

#[cfg(unix)]
#[test]
fn a_value_that_is_not_utf_8_is_an_error_and_no_panic() {
    use std::os::unix::ffi::OsStringExt;
    let bytes = OsString::from_vec(vec![0xff, 0xfe]);
    let environment = Environment::new([
        ("INPUT_ORGANIZATION".into(), bytes.clone()),
        (bytes, "x".into()),
    ]);
    let error = messages(environment.inputs(now()));
    assert!(
        error.contains("`organization` is not UTF-8 text"),
        "{error}"
    );
    let bytes = OsString::from_vec(vec![0xff]);
    let environment = Environment::new([("INPUT_A\nB".into(), bytes)]);
    let warning = environment.unknown_inputs().unwrap();
    assert!(warning.starts_with("Ignored `a b`"), "{warning}");
}

#[test]
fn a_window_ends_after_it_starts() {
    let window = |since, until| with(&[("INPUT_SINCE", since), ("INPUT_UNTIL", until)]);
    assert!(window("2d", "1d").is_ok());
    assert!(window("", "1d").is_ok());
    for until in ["1d", "2d", "2026-11-20T00:00:00Z"] {
        let error = messages(window("1d", until));
        assert!(error.starts_with("`until` is not after `since`"), "{error}");
    }
}

#[test]
fn a_backoff_may_be_zero() {
    let backoff = |value| with(&[("INPUT_BACKOFF", value)]).unwrap().policy.backoff;
    assert_eq!(backoff("0"), TimeDelta::zero());
    assert_eq!(backoff("90s"), TimeDelta::seconds(90));
}

#[test]
fn max_age_may_be_longer_on_an_enterprise_server() {
    let server = ("INPUT_API-URL", "https://git.acme.com/api/v3");
    assert!(with(&[server, ("INPUT_MAX-AGE", "7d")]).is_ok());
    let error = error(&[server, ("INPUT_MAX-AGE", "8d")]);
    assert!(error.contains("write `7d` or less"), "{error}");
}
