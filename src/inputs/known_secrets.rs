//! Keeps secrets out of messages about inputs.

use crate::github;
use crate::text::one_line;

/// Longest part of a wrong value that is shown, in characters.
const SHOWN: usize = 80;

/// Shortest line of a secret that is hidden by itself, in bytes. Shorter ones are part of common words.
const LONG_ENOUGH: usize = 8;

/// Beginnings of GitHub's tokens, and a part of every key. None of them belongs into an input that is shown.
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

/// The values of secret inputs, and each line of those that have several.
#[derive(Debug, Default)]
pub(super) struct KnownSecrets(Vec<String>);

impl KnownSecrets {
    pub(super) fn new(secrets: &[String]) -> Self {
        let mut known = Vec::new();
        for secret in secrets {
            known.push(secret.clone());
            let lines = secret.lines().map(str::trim);
            let lines = lines.filter(|line| line.len() >= LONG_ENOUGH);
            known.extend(lines.map(str::to_owned));
        }
        Self(known)
    }

    /// A wrong value as a message may show it: on one line, cut, and without secrets. Of an address, only scheme and
    /// host are shown. An item of a `list` may be a line of a secret, so the whole list is checked.
    pub(super) fn shown(&self, value: &str, list: Option<&str>) -> String {
        let shown = github::origin(value).unwrap_or_else(|| value.to_owned());
        // A secret may be split by characters that one line leaves out, so both forms are checked.
        let line = one_line(&shown, usize::MAX);
        let list = list.map(|list| one_line(list, usize::MAX));
        let parts = [Some(value), Some(&line), list.as_deref()];
        let in_a_part = parts.into_iter().flatten().any(|part| self.is_in(part));
        if in_a_part || shown.contains('@') {
            STARS.into()
        } else {
            one_line(&line, SHOWN)
        }
    }

    fn is_in(&self, text: &str) -> bool {
        has_sign(text) || self.0.iter().any(|secret| text.contains(secret))
    }

    /// A message without secrets. A value that is valid in one input may be a secret in another.
    pub(super) fn taken_out_of(&self, message: &str) -> String {
        let mut message = message.to_owned();
        for secret in self.0.iter().filter(|secret| secret.len() >= LONG_ENOUGH) {
            message = message.replace(secret, STARS);
        }
        let parts = message.split('`');
        let parts = parts.map(|part| if has_sign(part) { STARS } else { part });
        parts.collect::<Vec<_>>().join("`")
    }
}

fn has_sign(text: &str) -> bool {
    SIGNS.iter().any(|sign| text.contains(sign))
}
