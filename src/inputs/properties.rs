//! Properties of every environment.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::time::Duration;

use chrono::{DateTime, Utc};
use proptest::prelude::*;

use super::raw::SECRETS;
use super::runner_variables::PROXIES;
use super::*;
use crate::hostile;

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_795_348_800, 0).unwrap()
}

/// A secret, and how much of it in a row would give it away.
type Hidden = (String, usize);

fn secrets() -> impl Strategy<Value = Hidden> {
    let key = "[A-Za-z0-9+/]{64}(\n[A-Za-z0-9+/]{64}){1,4}".prop_map(|body| {
        (
            format!("-----BEGIN RSA PRIVATE KEY-----\n{body}\n-----END RSA PRIVATE KEY-----"),
            64,
        )
    });
    prop_oneof![
        3 => "gh[ps]_[A-Za-z0-9]{36}".prop_map(|token| (token, 40)),
        1 => "github_pat_[A-Za-z0-9_]{82}".prop_map(|token| (token, 93)),
        2 => "[A-Za-z0-9]{40}".prop_map(|token| (token, 40)),
        1 => "[!-~]{20,40}".prop_map(|token| (token, 20)),
        2 => key,
    ]
}

/// Values that some input takes.
fn valid() -> impl Strategy<Value = String> {
    let known = proptest::sample::select(
        &[
            "acme",
            "acme, beta\n!acme",
            "*",
            "acme/ops",
            "acme/*",
            "acme/ops,acme/*,!acme/attic",
            "true",
            "FALSE",
            "1",
            "512345671, 2",
            "https://github.com/organizations/acme/settings/hooks/1",
            "https://github.com/acme/ops/settings/hooks/7?x#y",
            "https://ci.acme.com/*",
            "push,!pull_request.opened",
            "5xx,timeout",
            "90s",
            "3d",
            "0",
            "2026-11-20T08:00:00Z",
            "9223372036854775807d",
            "4294967296",
            "10",
            "10000",
            "LAST_REDELIVERY",
            "never",
            "open",
            ".redeliver/checkpoint.json",
            "/github/workspace/../x",
            "https://git.acme.com/api/v3",
            "http://127.0.0.1:4711",
            "http://proxy.acme.com:8080",
            "Iv23liABC",
            "t0ken",
        ][..],
    );
    prop_oneof![4 => known.clone().prop_map(str::to_owned), 1 => known.prop_map(str::to_owned).prop_flat_map(hostile::mutated)]
}

/// Values, valid or not. They may contain the secret.
fn values(secret: String) -> impl Strategy<Value = String> {
    let with_secret = prop_oneof![
        Just(secret.clone()),
        valid().prop_map({
            let secret = secret.clone();
            move |value| format!("{value},{secret}")
        }),
        Just(format!("https://{secret}.acme.com/x")),
        Just(format!("https://user:{secret}@git.acme.com/api/v3")),
        Just(format!("acme/{secret}")),
        // The look of a text copied from a page or a mail, with something invisible in it.
        Just(secret.chars().map(|c| format!("{c}\u{200b}")).collect()),
        (hostile::text(), hostile::text()).prop_map({
            let secret = secret.clone();
            move |(before, after)| format!("{before}{secret}{after}")
        }),
    ];
    prop_oneof![6 => valid(), 2 => hostile::text(), 2 => with_secret]
}

/// Names of variables, as people and runners spell them.
fn variables() -> impl Strategy<Value = String> {
    let input = (proptest::sample::select(NAMES), 0..4_u8).prop_map(|(name, how)| match how {
        0 => format!("INPUT_{}", name.to_uppercase()),
        1 => format!("INPUT_{}", name.to_uppercase().replace('-', "_")),
        2 => format!("INPUT_{name}"),
        _ => format!("INPUT_{}", name.to_uppercase().replace('-', " ")),
    });
    let others = proptest::sample::select(
        &[
            "GITHUB_REPOSITORY",
            "GITHUB_API_URL",
            "GITHUB_WORKSPACE",
            "GITHUB_ACTIONS",
            "GITHUB_OUTPUT",
            "HTTPS_PROXY",
            "https_proxy",
            "ALL_PROXY",
            "NO_PROXY",
            "SSL_CERT_FILE",
            "INPUT_ARGS",
            "INPUT_",
            "RUNNER_DEBUG",
            "PATH",
        ][..],
    );
    prop_oneof![
        12 => input.clone(),
        3 => others.prop_map(str::to_owned),
        1 => input.prop_flat_map(hostile::mutated),
    ]
}

/// An environment with a secret in its own input, and perhaps in others too.
fn environments() -> impl Strategy<Value = (Hidden, Vec<(OsString, OsString)>)> {
    secrets().prop_flat_map(|hidden| {
        let secret = hidden.0.clone();
        let own = proptest::sample::select(
            &["INPUT_TOKEN", "INPUT_PRIVATE-KEY", "INPUT_CHECKPOINT_TOKEN"][..],
        );
        let own = proptest::option::weighted(0.8, own).prop_map({
            let secret = secret.clone();
            move |name| name.map(|name| (OsString::from(name), OsString::from(&secret)))
        });
        let others = proptest::collection::vec((variables(), values(secret)), 0..9);
        let bytes = proptest::option::weighted(
            0.1,
            (variables(), proptest::collection::vec(any::<u8>(), 1..9)),
        );
        let target = proptest::option::of(Just((
            OsString::from("INPUT_ORGANIZATION"),
            OsString::from("acme"),
        )));
        (Just(hidden), own, others, bytes, target).prop_map(
            |(hidden, own, others, bytes, target)| {
                let mut all: Vec<(OsString, OsString)> = others
                    .into_iter()
                    .map(|(name, value)| (name.into(), value.into()))
                    .collect();
                all.extend(bytes.map(|(name, value)| (name.into(), OsString::from_vec(value))));
                all.extend(target);
                all.extend(own);
                (hidden, all)
            },
        )
    })
}

/// A valid environment, but for one input that contains the secret too.
fn misplaced() -> impl Strategy<Value = (Hidden, Vec<(OsString, OsString)>)> {
    let of_names = proptest::sample::select(
        &[
            "organization",
            "organization",
            "repository",
            "events",
            "since",
            "checkpoint-variable",
        ][..],
    );
    let hook = proptest::option::of(Just(
        "https://github.com/acme/ops/settings/hooks/1".to_owned(),
    ));
    secrets().prop_flat_map(move |hidden| {
        let secret = hidden.0.clone();
        let value = prop_oneof![
            2 => Just(secret.clone()),
            1 => Just(format!("acme,{secret}")),
            1 => values(secret),
        ];
        (Just(hidden), of_names.clone(), value, hook.clone()).prop_map(
            |(hidden, name, value, hook)| {
                let inputs = [
                    ("token", Some(hidden.0.clone())),
                    ("hook-id", hook),
                    (name, Some(value)),
                ];
                let inputs = inputs.into_iter().filter_map(|(name, value)| {
                    Some((format!("INPUT_{name}").into(), value?.into()))
                });
                (hidden, inputs.collect())
            },
        )
    })
}

/// True if the value can be recognized as a secret.
fn is_known(secret: &str, variables: &[(OsString, OsString)]) -> bool {
    let is_secret_input = |(name, value): &(OsString, OsString)| {
        let name = name
            .to_str()
            .unwrap_or_default()
            .to_lowercase()
            .replace('_', "-");
        SECRETS.iter().any(|each| name == format!("input-{each}")) && value == secret
    };
    let signs = ["ghp_", "ghs_", "github_pat_", "PRIVATE KEY"];
    signs.iter().any(|sign| secret.contains(sign)) || variables.iter().any(is_secret_input)
}

/// True if the text contains so much of the secret in a row.
fn gives_away(text: &str, (secret, enough): &Hidden) -> bool {
    let letters: Vec<char> = secret.chars().collect();
    let mut parts = letters
        .windows(*enough)
        .map(|part| part.iter().collect::<String>());
    parts.any(|part| text.contains(&part))
}

/// Checks inputs or errors of an environment.
fn holds((hidden, variables): (Hidden, Vec<(OsString, OsString)>)) -> Result<(), TestCaseError> {
    let is_known = is_known(&hidden.0, &variables);
    match Environment::new(variables).inputs(now()) {
        Ok(inputs) => {
            prop_assert!(
                inputs.policy.time_limit <= Duration::from_secs(86_400)
                    && inputs.policy.max_per_minute > 0
            );
            prop_assert!(!inputs.targets.names().is_empty());
            // Any duration may be given, and the end of all time is no reason to panic.
            if let Some(OneOffWindow { since, until }) = inputs.one_off {
                let times = [since, until].map(|point| point.map(|point| point.resolve(now())));
                prop_assert!(times.iter().flatten().all(|time| *time <= now()));
            }
        }
        Err(errors) => {
            prop_assert!(!errors.is_empty());
            for error in &errors {
                let message = error.to_string();
                prop_assert!(!is_known || !gives_away(&message, &hidden), "{}", message);
                prop_assert!(!message.contains(['\n', '\r']), "{:?}", message);
                let named = message.split('`').nth(1).unwrap_or_default();
                let known = NAMES.contains(&named) || PROXIES.contains(&&*named.to_lowercase());
                prop_assert!(known || message.contains("is not an input"), "{}", message);
                prop_assert!(message.ends_with("Nothing was done."), "{}", message);
            }
        }
    }
    Ok(())
}

proptest! {
    #[test]
    fn an_environment_is_inputs_or_errors_that_name_the_input_and_no_secret(environment in environments()) {
        holds(environment)?;
    }

    #[test]
    fn a_secret_in_place_of_another_value_is_not_shown(environment in misplaced()) {
        holds(environment)?;
    }
}
