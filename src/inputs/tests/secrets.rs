//! No message about wrong inputs shows a secret.

use super::*;

#[test]
fn a_secret_is_never_shown() {
    let token = "hunter2";
    for more in [
        ("INPUT_ORGANIZATION", "x hunter2"),
        ("INPUT_SINCE", "hunter2"),
        ("INPUT_API-URL", "hunter2"),
    ] {
        let error = error(&[("INPUT_TOKEN", token), more]);
        assert!(!error.contains(token), "{error}");
    }
    let half = error(&[
        ("INPUT_TOKEN", "half?other"),
        ("INPUT_SINCE", "https://half?other"),
    ]);
    assert!(half.contains("`since` `***`"), "{half}");
    let elsewhere = error(&[("INPUT_SINCE", "ghp_0123456789")]);
    assert!(elsewhere.contains("`since` `***`"), "{elsewhere}");
    let hidden = error(&[("INPUT_TOKEN", token), ("INPUT_SINCE", "hun\u{200b}ter2")]);
    assert!(hidden.contains("`since` `***`"), "{hidden}");
    let broken = error(&[("INPUT_TOKEN", "half a token")]);
    assert!(
        broken.starts_with("`token` contains white space"),
        "{broken}"
    );
    assert!(!broken.contains("half"), "{broken}");
    assert!(!format!("{:?}", with(&[]).unwrap()).contains("t0ken"));
}

#[test]
fn a_key_in_place_of_a_list_is_not_shown_line_by_line() {
    let (first, second) = ("A".repeat(64), "B".repeat(64));
    let key = format!(
        "-----BEGIN RSA PRIVATE KEY-----\n{first}\n{second}\n-----END RSA PRIVATE KEY-----"
    );
    for name in ["INPUT_ORGANIZATION", "INPUT_HOOK-ID", "INPUT_EVENTS"] {
        let error = error(&[(name, &key)]);
        assert!(
            !error.contains("AAAA") && !error.contains("BBBB"),
            "{error}"
        );
    }
    let hidden: String = key.chars().flat_map(|c| [c, '\u{200b}']).collect();
    let message = error(&[("INPUT_EVENTS", &hidden)]);
    assert!(!message.contains("AAAA"), "{message}");
    let app = [
        ("INPUT_TOKEN", ""),
        ("INPUT_CLIENT-ID", "Iv1"),
        ("INPUT_PRIVATE-KEY", &*key),
    ];
    let error = error(&[&app[..], &[("INPUT_EVENTS", &*second)]].concat());
    assert!(error.contains("`events` `***`"), "{error}");
}

#[test]
fn a_secret_that_another_spelling_replaced_is_not_shown() {
    let (one, other) = ("0123456789abcdef", "fedcba9876543210");
    for (first, second) in [(one, other), (other, one)] {
        let error = error(&[
            ("INPUT_CHECKPOINT-TOKEN", first),
            ("INPUT_CHECKPOINT_TOKEN", second),
            ("INPUT_SINCE", one),
        ]);
        assert!(error.contains("`since` `***`"), "{error}");
    }
}

#[test]
fn a_token_in_place_of_a_name_is_not_shown() {
    let token = "0123456789abcdef0123456789abcdef";
    let hook = (
        "INPUT_HOOK-ID",
        "https://github.com/acme/ops/settings/hooks/1",
    );
    for organization in [token, "ghp_0123456789abcdef0123456789abcdef0123"] {
        let error = error(&[
            ("INPUT_TOKEN", token),
            ("INPUT_ORGANIZATION", organization),
            hook,
        ]);
        assert!(error.contains("names no webhook of `***`"), "{error}");
    }
}
