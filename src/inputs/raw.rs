//! The inputs as text, before anything is checked.

use serde::Deserialize;

/// Names each input once: as `action.yml` spells it, and as a field that envy fills.
macro_rules! inputs {
    ($($field:ident = $name:literal,)*) => {
        /// The inputs as the environment holds them: trimmed, and `None` if empty.
        #[derive(Debug, Default, Deserialize)]
        #[serde(default)]
        pub(super) struct RawInputs {
            $(#[serde(rename = $name)] pub(super) $field: Option<String>,)*
        }

        /// The names of all inputs, in the order of `action.yml`.
        pub const NAMES: &[&str] = &[$($name),*];
    };
}

inputs! {
    token = "token",
    client_id = "client-id",
    private_key = "private-key",
    organization = "organization",
    repository = "repository",
    app_webhook = "app-webhook",
    hook_id = "hook-id",
    payload_url = "payload-url",
    events = "events",
    statuses = "statuses",
    since = "since",
    until = "until",
    max_age = "max-age",
    max_redeliveries = "max-redeliveries",
    backoff = "backoff",
    max_per_minute = "max-per-minute",
    confirm_timeout = "confirm-timeout",
    time_limit = "time-limit",
    checkpoint_variable = "checkpoint-variable",
    checkpoint_repository = "checkpoint-repository",
    checkpoint_token = "checkpoint-token",
    checkpoint_file = "checkpoint-file",
    dry_run = "dry-run",
    fail_on = "fail-on",
    report_file = "report-file",
    show_responses = "show-responses",
    api_url = "api-url",
    ca_certificates = "ca-certificates",
}

/// Inputs whose values are secrets.
pub(super) const SECRETS: [&str; 3] = ["token", "private-key", "checkpoint-token"];
