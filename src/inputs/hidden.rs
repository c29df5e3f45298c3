//! Keeps secrets out of what is said of inputs.

use crate::github;
use crate::text::one_line;

/// Longest piece of a wrong value that is shown, in characters.
const SHOWN: usize = 80;

/// Shortest line of a secret that gives it away, in bytes.
const TELLING: usize = 8;

/// What GitHub's tokens begin with, and what a key says of itself. None of them belongs into any input
/// that is shown.
const SIGNS: [&str; 7] = [
    "ghp_",
    "gho_",
    "ghu_",
    "ghs_",
    "ghr_",
    "github_pat_",
    "PRIVATE KEY",
];

const STARS: &str = "***";

/// What nobody may see: the secrets that were given, and each line of those that have several.
#[derive(Debug, Default)]
pub(super) struct Hidden(Vec<String>);

impl Hidden {
    pub(super) fn new(secrets: &[String]) -> Self {
        let mut hidden = Vec::new();
        for secret in secrets {
            hidden.push(secret.clone());
            let lines = secret.lines().map(str::trim);
            hidden.extend(
                lines
                    .filter(|line| line.len() >= TELLING)
                    .map(str::to_owned),
            );
        }
        Self(hidden)
    }

    /// A wrong value as it may be shown: one line, cut, and no secret. Of an address only scheme and host
    /// are shown. An item of a list may be a line of a secret, so the whole list counts.
    pub(super) fn shown(&self, value: &str, list: Option<&str>) -> String {
        let shown = github::origin(value).unwrap_or_else(|| value.to_owned());
        // What is left out of a line must not have hidden a secret, and what is left of one still tells of it.
        let line = one_line(&shown, usize::MAX);
        let list = list.map(|list| one_line(list, usize::MAX));
        let parts = [Some(value), Some(&line), list.as_deref()];
        if parts.into_iter().flatten().any(|part| self.is_in(part)) || shown.contains('@') {
            STARS.into()
        } else {
            one_line(&line, SHOWN)
        }
    }

    fn is_in(&self, text: &str) -> bool {
        let signs = SIGNS.iter().any(|sign| text.contains(sign));
        signs || self.0.iter().any(|secret| text.contains(secret))
    }

    /// A message without what it may have taken from an input that was right, and is a secret elsewhere.
    pub(super) fn taken_out_of(&self, message: &str) -> String {
        let mut message = message.to_owned();
        for secret in self.0.iter().filter(|secret| secret.len() >= TELLING) {
            message = message.replace(secret, STARS);
        }
        let quoted = message.split('`').map(|part| {
            let sign = SIGNS.iter().any(|sign| part.contains(sign));
            if sign { STARS } else { part }
        });
        quoted.collect::<Vec<_>>().join("`")
    }
}
