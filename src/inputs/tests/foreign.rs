//! Variables that begin with `INPUT_` and name no input.

use super::*;

#[test]
fn an_unknown_input_that_may_mean_one_is_an_error_in_every_spelling() {
    for key in [
        "INPUT_DRYRUN",
        "INPUT_DRY RUNS",
        "INPUT_DRY_RUNS",
        "INPUT_dry-runs",
    ] {
        let error = error(&[(key, "true")]);
        let end = "is not an input. Did you mean `dry-run`? Nothing was done. ";
        assert!(error.ends_with(end), "{error}");
    }
    for (key, meant) in [
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
        let meant = format!("Did you mean `{meant}`?");
        assert!(error.contains(&meant), "{error}");
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
        environment.foreign().as_deref(),
        Some(
            "Ignored `fetch-depth`, `path`: not inputs of this action. If one was meant for it, check its name"
        )
    );
    assert!(environment.inputs(now()).is_ok());
    assert_eq!(self::environment(&variables[..2]).foreign(), None);
}

#[test]
fn the_runners_own_inputs_are_none_of_ours() {
    assert!(with(&[("INPUT_ARGS", "x"), ("INPUT_ENTRYPOINT", "/y")]).is_ok());
}
