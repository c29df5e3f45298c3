use base64::prelude::BASE64_STANDARD;
use proptest::prelude::*;

use super::*;

const TOKEN: &str = "ghp_0123456789/+%abcDEF";
const URL: &str = "https://us3r:passw0rd@ci.acme.com:8443/secret/t0ken?key=s3cret&more=1";

fn known() -> Secrets {
    let secrets = Secrets::default();
    secrets.add(TOKEN);
    secrets.add_payload_url(URL, "https://ci.acme.com:8443");
    secrets
}

fn escaped(text: &str, escape: impl Fn(u8) -> String) -> String {
    text.bytes().map(escape).collect()
}

#[test]
fn a_secret_is_replaced_in_every_encoding() {
    let secrets = known();
    for spelled in [
        TOKEN.to_owned(),
        TOKEN.replace('/', "%2f").replace('+', "%2B"),
        TOKEN.replace('/', "\\/"),
        escaped(TOKEN, |byte| format!("%{byte:02X}")),
        escaped(TOKEN, |byte| format!("\\u{byte:04x}")),
        escaped(TOKEN, |byte| format!("&#{byte};")),
        escaped(TOKEN, |byte| format!("&#x{byte:x};")),
    ] {
        let text = format!("é {spelled}; {spelled} ü");
        assert_eq!(secrets.clean(&text), "é ***; *** ü", "{spelled}");
        assert_eq!(secrets.clean_our_own(&text), "é ***; *** ü");
    }
    for before in ["", "a", "ab", "x-access-token:"] {
        let text = BASE64_STANDARD.encode(format!("{before}{TOKEN}"));
        let cleaned = secrets.clean(&text).into_owned();
        assert!(
            cleaned.contains("***") && cleaned.len() < 30,
            "{text} {cleaned}"
        );
    }
}

#[test]
fn only_scheme_and_host_of_a_payload_url_are_kept() {
    let secrets = known();
    let clean = |text: &str| secrets.clean(text).into_owned();
    let origin = "https://ci.acme.com:8443";
    assert_eq!(clean(&format!("to {URL}.")), format!("to {origin}."));
    assert_eq!(clean(&URL.replace('&', "&amp;")), origin);
    assert_eq!(clean(&URL.replace('&', "\\u0026")), origin);
    assert_eq!(clean(&URL.replace("us3r:passw0rd@", "")), origin);
    assert_eq!(
        clean("GET /secret/t0ken?key=s3cret&more=1 failed"),
        "GET *** failed"
    );
    assert_eq!(clean("/secret/t0ken was not found"), "*** was not found");
    assert_eq!(clean("key=s3cret&more=1"), "***");
    assert_eq!(clean("passw0rd of us3r:passw0rd"), "*** of ***");
    let own = "GET /secret/t0ken";
    assert_eq!(
        secrets.clean_our_own(own),
        own,
        "a path of this program may look the same"
    );
    assert_eq!(secrets.clean_our_own(URL), origin);
}

#[test]
fn short_texts_and_ordinary_words_are_not_replaced() {
    let secrets = Secrets::default();
    secrets.add("push");
    secrets.add("");
    secrets.add_user_of("http://u:p@proxy");
    secrets.add_user_of("http://proxy/a@b");
    for (url, origin) in [
        ("https://a.b/", "https://a.b"),
        ("https://a.b", "https://a.b"),
        ("", ""),
    ] {
        secrets.add_payload_url(url, origin);
    }
    for text in ["push", "https://a.b/", "OK", "proxy/a@b", "100% & more \\"] {
        assert!(
            matches!(secrets.clean(text), Cow::Borrowed(same) if same == text),
            "{text}"
        );
    }
    secrets.add_payload_url("not an address", "");
    assert_eq!(secrets.clean("to not an address"), "to ***");
}

#[test]
fn the_user_of_a_proxy_is_a_secret_with_and_without_escapes() {
    for address in [
        "http://us3r:p%40ssw0rd@proxy:8080",
        "us3r:p@ssw0rd@proxy",
        "http://us3r:p@ssw0rd@proxy/",
    ] {
        let secrets = Secrets::default();
        secrets.add_user_of(address);
        for text in ["us3r:p@ssw0rd", "us3r:p%40ssw0rd", "p@ssw0rd"] {
            assert_eq!(secrets.clean(text), "***", "{address} {text}");
        }
        let basic = BASE64_STANDARD.encode("us3r:p@ssw0rd");
        assert!(!secrets.clean(&basic).contains(&basic[..8]), "{address}");
    }
}

#[test]
fn a_payload_url_does_not_change_names_from_github() {
    let secrets = known();
    secrets.add_payload_url(
        "https://x:workflow_job@ci.acme.com/hook?pull_request",
        "https://ci.acme.com",
    );
    secrets.add_payload_url(
        "https://ci.acme.com/hook?timed%20out",
        "https://ci.acme.com",
    );
    secrets.add_payload_url("https://ci.acme.com/hook?ABCD-1234", "https://ci.acme.com");
    for name in [
        "pull_request",
        "pull_request_review",
        "workflow_job",
        "ABCD-1234",
    ] {
        assert_eq!(secrets.clean_name(name), name);
    }
    assert_eq!(secrets.clean("timed out"), "timed out");
    assert_eq!(secrets.clean("/hook?timed out"), "***");
    assert_eq!(secrets.clean("ABCD-1234"), "***");
    secrets.add("ghp_0123456789abcdef");
    assert_eq!(secrets.clean_name("odd-ghp_0123456789abcdef"), "odd-***");
    assert_eq!(secrets.clean_name("push /hook?pull_request"), "push ***");
}

#[test]
fn no_debug_output_shows_a_secret() {
    assert_eq!(format!("{:?}", known()), "***");
}

proptest! {
    #[test]
    fn any_text_is_cleaned_of_any_secret(
        before in "\\PC*", after in "\\PC*", secret in "[!-~]{8,40}",
    ) {
        let secrets = Secrets::default();
        secrets.add(&secret);
        let text = format!("{before} {secret} {after}");
        let clean = secrets.clean(&text).into_owned();
        prop_assert!(!clean.contains(&secret) || secret.contains("***"), "{}", clean);
        prop_assert_eq!(secrets.clean(&clean), &*clean);
    }
}
