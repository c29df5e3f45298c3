//! Variables that begin with `INPUT_` and are not inputs.

use super::*;

#[test]
fn a_name_close_to_an_input_is_an_error_in_every_spelling() {
    for key in [
        "INPUT_DRYRUN",
        "INPUT_DRY RUNS",
        "INPUT_DRY_RUNS",
        "INPUT_dry-runs",
    ] {
        let error = error(&[(key, "true")]);
        let end = "is not an input. Did you mean `dry-run`? Nothing was done.";
        assert!(error.ends_with(end), "{error}");
    }
    for (key, input) in [
        ("INPUT_GITHUB-TOKEN", "token"),
        ("INPUT_GITHUB_TOKEN", "token"),
        ("INPUT_GITHUBTOKEN", "token"),
        ("INPUT_APP_PRIVATE_KEY", "private-key"),
        ("INPUT_GITHUB-API-URL", "api-url"),
        ("INPUT_HOOK-URL", "payload-url"),
        ("INPUT_MAX_ATTEMPTS", "max-redeliveries"),
        ("INPUT_PACE", "max-per-minute"),
    ] {
        let error = error(&[(key, "x")]);
        let question = format!("Did you mean `{input}`?");
        assert!(error.contains(&question), "{error}");
    }
}

#[test]
fn any_other_unknown_input_is_named_in_a_warning() {
    let variables = [
        ("INPUT_TOKEN", "t0ken"),
        ("INPUT_ORGANIZATION", "acme"),
        ("INPUT_FETCH-DEPTH", "0"),
        ("INPUT_FETCH_DEPTH", "1"),
        ("INPUT_PATH", "x"),
        ("INPUT_KEY", ""),
        ("INPUT_", "x"),
    ];
    let environment = environment(&variables);
    assert_eq!(
        environment.unknown_inputs().as_deref(),
        Some(
            "Ignored `fetch-depth`, `path`: not inputs of this action. If one was meant for it, check its name"
        )
    );
    assert!(environment.inputs(now()).is_ok());
    assert_eq!(self::environment(&variables[..2]).unknown_inputs(), None);
}

#[test]
fn the_runners_own_inputs_are_ignored() {
    assert!(with(&[("INPUT_ARGS", "x"), ("INPUT_ENTRYPOINT", "/y")]).is_ok());
}
