//! Names that are close to an input's name.
//!
//! The runner passes the workflow's environment to the container, so an `INPUT_*` that is no input may be meant for
//! another action. One that may be meant for this action is an error, because a redelivery can't be undone.

use super::raw::NAMES;

/// Other names of inputs: from earlier versions, other actions, GitHub's script and common use.
const OTHER_NAMES: [(&str, &[&str]); 22] = [
    (
        "token",
        &[
            "access-token",
            "api-token",
            "auth-token",
            "gh-pat",
            "gh-token",
            "github-access-token",
            "github-pat",
            "github-token",
            "pat",
            "personal-access-token",
            "repo-token",
            "webhook-token",
        ],
    ),
    (
        "client-id",
        &[
            "app-client-id",
            "app-id",
            "application-id",
            "github-app-client-id",
            "github-app-id",
        ],
    ),
    (
        "private-key",
        &[
            "app-key",
            "app-pem",
            "app-private-key",
            "github-app-key",
            "github-app-private-key",
            "private-key-path",
            "private-key-pem",
        ],
    ),
    (
        "organization",
        &[
            "github-org",
            "github-organization",
            "org",
            "org-name",
            "organization-name",
            "orgs",
            "owner",
            "owners",
        ],
    ),
    (
        "repository",
        &[
            "github-repo",
            "github-repository",
            "repo",
            "repo-name",
            "repo-owner",
            "repos",
            "repositories",
            "repository-name",
            "repository-owner",
        ],
    ),
    ("app-webhook", &["app-hook"]),
    (
        "hook-id",
        &[
            "hook",
            "hooks",
            "webhook",
            "webhook-id",
            "webhook-ids",
            "webhooks",
        ],
    ),
    ("payload-url", &["hook-url", "webhook-url", "webhook-urls"]),
    (
        "events",
        &["event-name", "event-names", "event-type", "event-types"],
    ),
    ("statuses", &["status-code", "status-codes"]),
    ("since", &["start-time"]),
    ("until", &["end-time"]),
    ("max-age", &["lookback", "max-hours"]),
    (
        "max-redeliveries",
        &["max-attempts", "max-retries", "max-tries", "retries"],
    ),
    ("max-per-minute", &["pace"]),
    (
        "checkpoint-variable",
        &[
            "checkpoint",
            "checkpoint-name",
            "checkpoint-variable-name",
            "last-redelivery-variable",
            "last-redelivery-variable-name",
            "variable-name",
        ],
    ),
    (
        "checkpoint-repository",
        &[
            "checkpoint-repo",
            "variable-repository",
            "workflow-repo",
            "workflow-repo-name",
            "workflow-repo-owner",
        ],
    ),
    (
        "checkpoint-file",
        &["checkpoint-path", "state-file", "state-path"],
    ),
    (
        "ca-certificates",
        &[
            "ca-bundle",
            "ca-cert",
            "ca-certs",
            "ca-file",
            "extra-ca-certs",
        ],
    ),
    ("report-file", &["report", "report-path"]),
    (
        "dry-run",
        &[
            "dry",
            "dry-mode",
            "no-op",
            "plan-only",
            "simulate",
            "what-if",
        ],
    ),
    (
        "api-url",
        &[
            "api-base-url",
            "base-url",
            "enterprise-url",
            "ghe-host",
            "ghe-url",
            "ghes-url",
            "github-api-url",
            "github-base-url",
            "github-host",
            "github-hostname",
            "github-url",
        ],
    ),
];

/// The input that `name` probably means. `name` is in lower case and has hyphens.
pub(super) fn nearest_input(name: &str) -> Option<&'static str> {
    let name = letters(name);
    let by_another_name = OTHER_NAMES
        .iter()
        .find(|(_, others)| others.iter().any(|other| letters(other) == name));
    if let Some((input, _)) = by_another_name {
        return Some(input);
    }
    let typos = |input: &&str| strsim::damerau_levenshtein(&letters(input), &name);
    let nearest = NAMES.iter().copied().min_by_key(typos)?;
    (typos(&nearest) <= typos_allowed(nearest)).then_some(nearest)
}

/// The number of letters that may differ. Short names are often one letter apart (`page`, `name`).
fn typos_allowed(input: &str) -> usize {
    match letters(input).len() {
        0..=4 => 0,
        5..=7 => 1,
        _ => 2,
    }
}

/// The name without hyphens, because `dryRun` reaches the container as `INPUT_DRYRUN`.
fn letters(name: &str) -> String {
    name.replace('-', "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_other_name_means_an_input_and_is_not_an_input_itself() {
        for (input, others) in OTHER_NAMES {
            assert!(NAMES.contains(&input), "{input}");
            for other in others {
                assert!(!NAMES.contains(other), "{other}");
                assert_eq!(nearest_input(other), Some(input), "{other}");
            }
        }
    }

    #[test]
    fn a_typo_means_the_input() {
        for (typo, input) in [
            ("dryrun", "dry-run"),
            ("dry-runs", "dry-run"),
            ("dr-yrun", "dry-run"),
            ("organisation", "organization"),
            ("organizations", "organization"),
            ("orgnaization", "organization"),
            ("hookids", "hook-id"),
            ("status", "statuses"),
            ("event", "events"),
            ("tokens", "token"),
            ("private-keys", "private-key"),
            ("privatekey", "private-key"),
            ("checkpoint-varible", "checkpoint-variable"),
            ("githubtoken", "token"),
            ("api-uri", "api-url"),
        ] {
            assert_eq!(nearest_input(typo), Some(input), "{typo}");
        }
    }

    #[test]
    fn every_input_is_recognized_with_one_letter_too_many() {
        let long = |name: &&&str| typos_allowed(name) > 0;
        for name in NAMES.iter().filter(long) {
            assert_eq!(nearest_input(&format!("{name}x")), Some(*name));
        }
    }

    /// The inputs of actions/checkout, cache, upload-artifact, setup-node, create-github-app-token and
    /// docker/build-push-action, without those that this action has too, or takes for its own
    /// (`github-token`, `app-id`, `owner`, `repositories`, `github-api-url`).
    #[test]
    fn inputs_of_other_actions_are_not_mistaken_for_inputs() {
        for name in [
            "add-hosts",
            "allow",
            "always-auth",
            "annotations",
            "architecture",
            "attests",
            "build-args",
            "build-contexts",
            "builder",
            "cache",
            "cache-dependency-path",
            "cache-from",
            "cache-primary-key",
            "cache-to",
            "call",
            "cgroup-parent",
            "check-latest",
            "clean",
            "compression-level",
            "context",
            "enablecrossosarchive",
            "fail-on-cache-miss",
            "fetch-depth",
            "fetch-tags",
            "file",
            "filter",
            "github-server-url",
            "if-no-files-found",
            "include-hidden-files",
            "key",
            "labels",
            "lfs",
            "load",
            "lookup-only",
            "mirror",
            "mirror-token",
            "name",
            "network",
            "no-cache",
            "no-cache-filters",
            "node-version",
            "node-version-file",
            "outputs",
            "overwrite",
            "package-manager-cache",
            "page",
            "path",
            "permission-contents",
            "permission-organization-hooks",
            "permission-repository-hooks",
            "persist-credentials",
            "place",
            "platforms",
            "provenance",
            "pull",
            "push",
            "ref",
            "registry-url",
            "restore-keys",
            "retention-days",
            "save-always",
            "sbom",
            "scope",
            "secret-envs",
            "secret-files",
            "secrets",
            "set-safe-directory",
            "shm-size",
            "show-progress",
            "skip-token-revoke",
            "sparse-checkout",
            "sparse-checkout-cone-mode",
            "ssh",
            "ssh-key",
            "ssh-known-hosts",
            "ssh-strict",
            "ssh-user",
            "submodules",
            "tags",
            "target",
            "ulimit",
            "upload-chunk-size",
        ] {
            assert_eq!(nearest_input(name), None, "{name}");
        }
    }
}
