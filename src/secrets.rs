//! The secrets that a pass knows, and removing them from text.
//!
//! Messages of GitHub, a proxy or a receiver may repeat the data that it received. The code that creates or reads a
//! secret adds it here. Text from outside is cleaned where it enters the program, before it is shortened.

mod unescaped;

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::prelude::{BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD};

use crate::lock::lock;
use unescaped::Unescaped;

/// Shortest secret that is replaced, in bytes. Shorter ones would turn ordinary words into `***`; GitHub's tokens have 40.
const SHORTEST: usize = 8;

/// Replaces a secret.
const STARS: &str = "***";

/// The secrets that a pass knows. Clones share them, and are cheap.
#[derive(Clone, Default)]
pub struct Secrets {
    /// Tokens, keys and passwords, and whole payload URLs.
    known: Arc<Mutex<Needles>>,
    /// The secrets that are not part of a payload URL.
    credentials: Arc<Mutex<Needles>>,
    /// The paths and queries of payload URLs. They may be as common as `/github-webhook/`, so they are only replaced in
    /// text from outside.
    paths: Arc<Mutex<Needles>>,
}

/// Prints no secret.
impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(STARS)
    }
}

impl Secrets {
    /// Adds a token, a key, a password, or `user:password` in all its usual forms: plain, with escaped characters, and as
    /// base64 within a longer text.
    pub fn add(&self, secret: &str) {
        add_forms(&self.credentials, secret);
        add_forms(&self.known, secret);
    }

    /// Adds the user and password of a URL, if it has any.
    pub fn add_user_of(&self, address: &str) {
        for secret in user_of(address) {
            self.add(&secret);
        }
    }

    /// Adds a webhook's payload URL. Only `origin`, its scheme and host, may be shown; nothing if that is empty.
    pub fn add_payload_url(&self, url: &str, origin: &str) {
        for secret in user_of(url) {
            add_forms(&self.known, &secret);
        }
        let mut known = lock(&self.known);
        if origin.is_empty() {
            return known.add(url, STARS);
        }
        let after_scheme = url.find("://").map_or(0, |at| at + "://".len());
        let rest = &url[after_scheme..];
        let path = rest.find(['/', '?', '#']).map_or("", |at| &rest[at..]);
        if matches!(path, "" | "/") {
            return;
        }
        known.add(url, origin);
        known.add(&format!("{origin}{path}"), origin);
        let (path_alone, query) = path.split_once('?').unwrap_or((path, ""));
        let mut paths = lock(&self.paths);
        for part in [path, path_alone, query] {
            if !is_words(part) {
                paths.add(part, STARS);
            }
        }
    }

    /// Replaces every known secret in text from outside. Of a payload URL, the scheme and host are kept.
    pub fn clean<'a>(&self, text: &'a str) -> Cow<'a, str> {
        if text.len() < SHORTEST {
            return text.into();
        }
        let cleaned = self.clean_our_own(text);
        let paths = lock(&self.paths);
        match paths.replaced_in(&cleaned) {
            Some(text) => text.into(),
            None => cleaned,
        }
    }

    /// The same for a GUID or the name of an event or action. GitHub creates these names and deliveries are identified by
    /// them, so a payload URL that contains one must not change it.
    pub fn clean_name<'a>(&self, name: &'a str) -> Cow<'a, str> {
        let is_of_a_name = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
        if !name.bytes().all(is_of_a_name) {
            return self.clean(name);
        }
        let credentials = lock(&self.credentials);
        credentials
            .replaced_in(name)
            .map_or(Cow::Borrowed(name), Cow::Owned)
    }

    /// The same for a message of this program, whose paths may look like those of payload URLs.
    pub fn clean_our_own<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let known = lock(&self.known);
        known
            .replaced_in(text)
            .map_or(Cow::Borrowed(text), Cow::Owned)
    }
}

/// Adds a secret and its base64 forms.
fn add_forms(needles: &Mutex<Needles>, secret: &str) {
    let mut needles = lock(needles);
    needles.add(secret, STARS);
    for form in base64_forms(secret) {
        needles.add(&form, STARS);
    }
}

/// The `user:password` of a URL, and the password alone.
fn user_of(address: &str) -> Vec<String> {
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let Some((user, _)) = authority.rsplit_once('@') else {
        return Vec::new();
    };
    let user = Unescaped::new(user).text();
    let password = user
        .split_once(':')
        .map(|(_, password)| password.to_owned());
    std::iter::once(user).chain(password).collect()
}

/// True for text that only consists of lower-case letters, underscores and spaces: ordinary words, such as an event or a
/// status, rather than a secret.
fn is_words(text: &str) -> bool {
    let of_words = |byte: &u8| matches!(byte, b'a'..=b'z' | b'_' | b' ');
    Unescaped::new(text).bytes.iter().all(of_words)
}

/// Texts to replace, by their first bytes: a search takes the same time however many there are.
#[derive(Default)]
struct Needles(HashMap<[u8; SHORTEST], Vec<Needle>>);

struct Needle {
    bytes: Box<[u8]>,
    /// Replaces it.
    shown: Box<str>,
}

impl Needles {
    /// Adds a text, both as it is and without escapes.
    fn add(&mut self, text: &str, shown: &str) {
        self.add_bytes(text.as_bytes(), shown);
        self.add_bytes(&Unescaped::new(text).bytes, shown);
    }

    fn add_bytes(&mut self, bytes: &[u8], shown: &str) {
        let Some(start) = bytes.first_chunk() else {
            return;
        };
        let same_start = self.0.entry(*start).or_default();
        if !same_start.iter().any(|needle| *needle.bytes == *bytes) {
            same_start.push(Needle {
                bytes: bytes.into(),
                shown: shown.into(),
            });
        }
    }

    /// The longest needle that `bytes` begins with.
    fn at_start_of(&self, bytes: &[u8]) -> Option<&Needle> {
        let needles = self.0.get(bytes.first_chunk::<SHORTEST>()?)?;
        let fits = |needle: &&Needle| bytes.starts_with(&needle.bytes);
        needles
            .iter()
            .filter(fits)
            .max_by_key(|needle| needle.bytes.len())
    }

    /// The text with all needles replaced, or `None` if it contains no needle.
    fn replaced_in(&self, text: &str) -> Option<String> {
        if self.0.is_empty() {
            return None;
        }
        let unescaped = Unescaped::new(text);
        let replaced = self.replaced(text, &unescaped);
        if !unescaped.has_escapes() {
            return replaced;
        }
        // Something that looks like an escape may be part of a secret.
        let rest = replaced.as_deref().unwrap_or(text);
        self.replaced(rest, &Unescaped::verbatim(rest)).or(replaced)
    }

    /// The text with the needles in `unescaped` replaced, or `None` if it contains no needle.
    fn replaced(&self, text: &str, unescaped: &Unescaped<'_>) -> Option<String> {
        let mut replaced = String::new();
        let (mut at, mut copied) = (0, 0);
        while at < unescaped.bytes.len() {
            let Some(needle) = self.at_start_of(&unescaped.bytes[at..]) else {
                at += 1;
                continue;
            };
            let before = &text[copied..unescaped.position_of(at)];
            replaced.push_str(before);
            // Consecutive lines of a key are one secret.
            let goes_on = before.is_empty() && replaced.ends_with(STARS);
            if !(goes_on && *needle.shown == *STARS) {
                replaced.push_str(&needle.shown);
            }
            at += needle.bytes.len();
            copied = unescaped.position_of(at);
        }
        (copied > 0).then(|| replaced + &text[copied..])
    }
}

/// The parts that base64 of any text around this secret contains: three forms, because three bytes become four characters.
fn base64_forms(secret: &str) -> Vec<String> {
    let mut forms = Vec::new();
    for shift in 0..3 {
        let mut bytes = vec![0; shift];
        bytes.extend_from_slice(secret.as_bytes());
        // The first and last characters also hold bits of the neighbouring bytes.
        let first = [0, 2, 3][shift];
        let last = usize::from(bytes.len() % 3 != 0);
        for form in [
            BASE64_STANDARD_NO_PAD.encode(&bytes),
            BASE64_URL_SAFE_NO_PAD.encode(&bytes),
        ] {
            let form = form.get(first..form.len() - last).unwrap_or_default();
            // Half of a short secret is an ordinary word.
            if secret.len() >= SHORTEST {
                forms.push(form.to_owned());
            }
        }
    }
    forms
}

#[cfg(test)]
mod tests;
