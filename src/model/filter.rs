//! The user's filters for failed deliveries: by event, and by status.
//!
//! Pure. A pattern with `!` before it leaves deliveries out. If all patterns begin with `!`, everything else is included.

use std::str::FromStr;

use crate::model::LatestAttempt;

/// The filters of a pass. Empty ones let everything through.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// By event and action.
    pub events: Patterns<EventPattern>,
    /// By the status of the newest attempt.
    pub statuses: Patterns<StatusPattern>,
}

impl Filter {
    /// True if the user wants a delivery with this newest attempt.
    pub fn admits(&self, newest: &LatestAttempt) -> bool {
        self.events.admit(|pattern| pattern.matches(newest))
            // A pending attempt has no status yet.
            && (newest.pending || self.statuses.admit(|pattern| pattern.matches(newest)))
    }
}

/// Patterns to include, and patterns to leave out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Patterns<T> {
    included: Vec<T>,
    excluded: Vec<T>,
}

impl<T> Default for Patterns<T> {
    fn default() -> Self {
        Self {
            included: Vec::new(),
            excluded: Vec::new(),
        }
    }
}

impl<T: FromStr> Patterns<T> {
    /// Adds a pattern, with or without `!`.
    ///
    /// # Errors
    /// The text is not a pattern.
    pub fn add(&mut self, text: &str) -> Result<(), T::Err> {
        match text.strip_prefix('!') {
            Some(pattern) => self.excluded.push(pattern.trim_start().parse()?),
            None => self.included.push(text.parse()?),
        }
        Ok(())
    }
}

impl<T> Patterns<T> {
    /// True if there is no pattern.
    pub fn is_empty(&self) -> bool {
        self.included.is_empty() && self.excluded.is_empty()
    }

    fn admit(&self, matches: impl Fn(&T) -> bool) -> bool {
        (self.included.is_empty() || self.included.iter().any(&matches))
            && !self.excluded.iter().any(matches)
    }
}

/// A pattern for events: `push`, or `pull_request.opened`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventPattern {
    event: String,
    action: Option<String>,
}

impl EventPattern {
    fn matches(&self, newest: &LatestAttempt) -> bool {
        let action = self.action.as_deref();
        *self.event == *newest.event && (action.is_none() || action == newest.action.as_deref())
    }
}

impl FromStr for EventPattern {
    type Err = &'static str;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        let plain = |part: &str| {
            let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
            !part.is_empty() && part.chars().all(plain)
        };
        let (event, action) = match word.split_once('.') {
            Some((event, action)) => (event, Some(action)),
            None => (word, None),
        };
        if plain(event) && action.is_none_or(plain) {
            Ok(Self {
                event: event.to_owned(),
                action: action.map(str::to_owned),
            })
        } else {
            Err(
                "write events as GitHub names them (`push`), with an action after a dot \
                 (`pull_request.opened`), or with `!` before for all but these \
                 (`!workflow_job.completed`)",
            )
        }
    }
}

/// A pattern for the status of a failed attempt. GitHub's own status is free text, so the named patterns search it for
/// words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatusPattern {
    /// This status code.
    Code(i64),
    /// Status codes of this hundred.
    Class(i64),
    /// The receiver did not respond in time.
    Timeout,
    /// There was no connection.
    Connection,
    /// There was no secure connection.
    Tls,
    /// The receiver responded with a redirect, which GitHub does not follow.
    Redirect,
}

impl StatusPattern {
    /// True if this attempt failed with such a status.
    pub fn matches(&self, newest: &LatestAttempt) -> bool {
        let says = |word: &str| newest.status.to_lowercase().contains(word);
        match *self {
            Self::Code(code) => newest.code == Some(code),
            Self::Class(class) => newest.code.is_some_and(|code| code / 100 == class),
            Self::Timeout => says("timed out") || says("timeout"),
            Self::Connection => says("connect"),
            Self::Tls => says("certificate") || says("ssl") || says("tls"),
            Self::Redirect => newest.code.is_some_and(|code| code / 100 == 3),
        }
    }
}

impl FromStr for StatusPattern {
    type Err = &'static str;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        match (word, word.as_bytes()) {
            ("timeout", _) => Ok(Self::Timeout),
            ("connection", _) => Ok(Self::Connection),
            ("tls", _) => Ok(Self::Tls),
            ("redirect", _) => Ok(Self::Redirect),
            ("0", _) => Ok(Self::Code(0)),
            (_, [class @ b'1'..=b'5', b'x', b'x']) => Ok(Self::Class(i64::from(class - b'0'))),
            (code, [b'1'..=b'5', _, _]) if digits(code) => {
                code.parse().map(Self::Code).map_err(|_| ACCEPTED)
            }
            _ => Err(ACCEPTED),
        }
    }
}

const ACCEPTED: &str = "write a code (`404`), a class (`5xx`), `timeout`, `connection`, `tls` or \
                        `redirect`, or one of them with `!` before for all but these (`!410`)";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::AttemptId;
    use chrono::DateTime;

    fn newest(event: &str, action: Option<&str>, status: &str, code: Option<i64>) -> LatestAttempt {
        LatestAttempt {
            id: AttemptId(1),
            at: DateTime::UNIX_EPOCH,
            pending: false,
            status: status.into(),
            code,
            event: event.into(),
            action: action.map(Into::into),
        }
    }

    fn events(words: &[&str]) -> Filter {
        let mut filter = Filter::default();
        words
            .iter()
            .for_each(|word| filter.events.add(word).unwrap());
        filter
    }

    fn statuses(words: &[&str]) -> Filter {
        let mut filter = Filter::default();
        words
            .iter()
            .for_each(|word| filter.statuses.add(word).unwrap());
        filter
    }

    #[test]
    fn events_are_filtered_by_name_and_action() {
        let opened = newest("pull_request", Some("opened"), "", Some(500));
        let closed = newest("pull_request", Some("closed"), "", Some(500));
        let push = newest("push", None, "", Some(500));
        for (words, expected) in [
            (&[][..], [true, true, true]),
            (&["pull_request"], [true, true, false]),
            (&["pull_request.opened"], [true, false, false]),
            (&["!pull_request.opened"], [false, true, true]),
            (&["!push"], [true, true, false]),
            (
                &["pull_request", "!pull_request.closed"],
                [true, false, false],
            ),
            (&["push", "pull_request.closed"], [false, true, true]),
        ] {
            let filter = events(words);
            let admitted = [&opened, &closed, &push].map(|newest| filter.admits(newest));
            assert_eq!(admitted, expected, "{words:?}");
        }
    }

    #[test]
    fn statuses_are_filtered_by_code_class_and_name() {
        let of = |status, code| newest("push", None, status, code);
        let all = [
            of("Invalid HTTP Response: 503", Some(503)),
            of("Invalid HTTP Response: 410", Some(410)),
            of("timed out", Some(504)),
            of("failed to connect to host", Some(502)),
            of("Couldn't connect to server", Some(0)),
            of(
                "Peer certificate cannot be authenticated with given CA certificates",
                Some(0),
            ),
            of("Invalid HTTP Response: 302", Some(302)),
        ];
        for (words, expected) in [
            (&["5xx"][..], "1011000"),
            (&["410"], "0100000"),
            (&["!410"], "1011111"),
            (&["timeout"], "0010000"),
            (&["connection"], "0001100"),
            (&["tls"], "0000010"),
            (&["redirect"], "0000001"),
            (&["3xx"], "0000001"),
            (&["0"], "0000110"),
            (&["5xx", "!503"], "0011000"),
        ] {
            let filter = statuses(words);
            let admitted = all
                .iter()
                .map(|each| if filter.admits(each) { '1' } else { '0' });
            assert_eq!(admitted.collect::<String>(), expected, "{words:?}");
        }
    }

    #[test]
    fn a_pending_attempt_is_not_filtered_by_status() {
        let mut pending = newest("push", None, "", None);
        pending.pending = true;
        assert!(statuses(&["404"]).admits(&pending));
        assert!(!events(&["issues"]).admits(&pending));
    }

    #[test]
    fn wrong_patterns_are_refused() {
        for word in [
            "", "xx5", "600", "5x", "50", "timeouts", "+50", "5xx.", "é0",
        ] {
            assert_eq!(word.parse::<StatusPattern>(), Err(ACCEPTED), "{word}");
        }
        for word in [
            "",
            "Push",
            "pull_request.",
            ".opened",
            "a.b.c",
            "a b",
            "push!",
        ] {
            assert!(word.parse::<EventPattern>().is_err(), "{word}");
        }
        assert!(Patterns::<StatusPattern>::default().add("!").is_err());
    }
}
