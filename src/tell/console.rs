//! The log: lines, groups and annotations.
//!
//! Nothing else in the program prints. Messages may contain text from GitHub or a receiver, so every line goes through
//! [`one_line`]: text from outside never becomes a workflow command.

use std::io::Write;
use std::sync::{Arc, Mutex};

use crate::github::DebugLog;
use crate::lock::lock;
use crate::model::Runner;
use crate::secrets::Secrets;
use crate::text::one_line;

/// Longest line, in characters. The runner keeps 4,096 characters of an annotation.
const LINE: usize = 4_000;

/// Longest annotation of several messages, in characters. Nobody reads a longer one.
const ANNOTATION: usize = 2_000;

/// The log of the step, or of a container on a server.
///
/// Outside Actions, workflow commands mean nothing, so plain words replace them. No secret is printed, not even to have
/// the runner mask it, because a container's log has other readers, too.
#[derive(Clone)]
pub struct Console {
    in_actions: bool,
    debug: bool,
    secrets: Secrets,
    sink: Arc<Mutex<dyn Write + Send>>,
}

impl Console {
    /// Prints to this process's standard output.
    pub fn stdout(runner: &Runner) -> Self {
        Self::new(runner, std::io::stdout())
    }

    /// Prints to `sink`.
    pub fn new(runner: &Runner, sink: impl Write + Send + 'static) -> Self {
        Self {
            in_actions: runner.in_actions,
            debug: runner.debug,
            secrets: Secrets::default(),
            sink: Arc::new(Mutex::new(sink)),
        }
    }

    /// The secrets that the log must not contain.
    pub fn secrets(&self) -> &Secrets {
        &self.secrets
    }

    /// Prints a line.
    pub fn line(&self, text: &str) {
        self.print(&harmless(&self.secrets.clean_our_own(text)));
    }

    /// Prints a line if debug logging is on; `text` is only called then.
    pub fn debug(&self, text: impl FnOnce() -> String) {
        if self.debug {
            self.command("debug", "debug: ", &text());
        }
    }

    /// The debug log for the requests to GitHub.
    pub fn debug_log(&self) -> DebugLog {
        if !self.debug {
            return DebugLog::off(&self.secrets);
        }
        let console = self.clone();
        DebugLog::new(&self.secrets, move |line| {
            console.debug(|| line.to_owned());
        })
    }

    /// Prints messages that are only informative.
    pub fn notices(&self, messages: &[String]) {
        self.annotate("notice", messages);
    }

    /// Prints messages about problems that are no errors.
    pub fn warnings(&self, messages: &[String]) {
        self.annotate("warning", messages);
    }

    /// Prints messages about errors.
    pub fn errors(&self, messages: &[String]) {
        self.annotate("error", messages);
    }

    /// Prints each message on a line of its own. In Actions, all of them together become one annotation, because the runner
    /// only keeps a few.
    fn annotate(&self, kind: &str, messages: &[String]) {
        if !self.in_actions {
            for message in messages {
                self.line(&format!("{kind}: {message}"));
            }
        } else if let [message] = messages {
            self.command(kind, "", message);
        } else if !messages.is_empty() {
            messages.iter().for_each(|message| self.line(message));
            self.command(kind, "", &joined(messages));
        }
    }

    /// Opens a part of the log that the runner folds.
    pub fn group(&self, title: &str) {
        self.command("group", "", title);
    }

    /// Closes the part that [`Console::group`] opened.
    pub fn end_group(&self) {
        if self.in_actions {
            self.print("::endgroup::");
        }
    }

    fn command(&self, name: &str, plain: &str, text: &str) {
        let text = &self.secrets.clean_our_own(text);
        if self.in_actions {
            let text = escape_data(&one_line(text, LINE));
            self.print(&format!("::{name}::{text}"));
        } else {
            self.print(&format!("{plain}{}", one_line(text, LINE)));
        }
    }

    fn print(&self, line: &str) {
        let mut sink = lock(&self.sink);
        // One write per line keeps lines whole. A broken log is no reason to stop in the middle of redelivering.
        let _ = sink.write_all(format!("{line}\n").as_bytes());
        let _ = sink.flush();
    }
}

/// Several messages as one, with equal ones counted. A message is either whole or left out.
fn joined(messages: &[String]) -> String {
    let mut distinct: Vec<(&str, usize)> = Vec::new();
    for message in messages {
        match distinct.iter_mut().find(|(known, _)| known == message) {
            Some((_, times)) => *times += 1,
            None => distinct.push((message, 1)),
        }
    }
    let mut text = String::new();
    for (place, (message, times)) in distinct.iter().enumerate() {
        let message = match times {
            1 => (*message).to_owned(),
            times => format!("{message} ({times} times)"),
        };
        if place > 0 && text.chars().count() + message.chars().count() > ANNOTATION {
            let more = distinct.len() - place;
            return format!("{text} — and {more} more, see the log");
        }
        if place > 0 {
            text.push_str(" — ");
        }
        text.push_str(&message);
    }
    text
}

/// Escapes the data of a workflow command.
fn escape_data(data: &str) -> String {
    data.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

/// A line that the runner does not take for a command. New-style commands begin a line, old-style ones may appear
/// anywhere (`##[name]`); [`one_line`] breaks up the latter.
fn harmless(text: &str) -> String {
    let line = one_line(text, LINE);
    if line.trim_start().starts_with("::") {
        format!("> {line}")
    } else {
        line
    }
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Default)]
    struct Sink(Arc<Mutex<Vec<u8>>>);

    impl Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn printed(runner: &Runner, log: impl FnOnce(&Console)) -> String {
        let sink = Sink::default();
        log(&Console::new(runner, sink.clone()));
        String::from_utf8(sink.0.lock().unwrap().clone()).unwrap()
    }

    pub(super) fn in_actions(log: impl FnOnce(&Console)) -> String {
        let runner = Runner {
            in_actions: true,
            ..Runner::default()
        };
        printed(&runner, log)
    }

    fn on_a_server(log: impl FnOnce(&Console)) -> String {
        printed(&Runner::default(), log)
    }

    #[test]
    fn in_actions_commands_are_printed() {
        let log = in_actions(|console| {
            console.group("scan");
            console.line("a line");
            console.end_group();
            console.warnings(&["100 %\nof it".into()]);
            console.errors(&[]);
            console.errors(&["bad".into(), "worse".into(), "bad".into()]);
            console.debug(|| unreachable!("nobody asked"));
        });
        assert_eq!(
            log,
            "::group::scan\na line\n::endgroup::\n::warning::100 %25 of it\n\
             bad\nworse\nbad\n::error::bad (2 times) — worse\n"
        );
    }

    #[test]
    fn an_annotation_of_many_messages_shows_some_whole_and_counts_the_rest() {
        let messages: Vec<String> = (0..99).map(|n| format!("{n} {}", "x".repeat(90))).collect();
        let log = in_actions(|console| console.errors(&messages));
        let annotations: Vec<_> = log.lines().filter(|line| line.starts_with("::")).collect();
        let [annotation] = annotations[..] else {
            panic!("{annotations:?}")
        };
        assert!(annotation.len() < ANNOTATION + 100, "{annotation}");
        assert!(
            annotation.ends_with("x — and 78 more, see the log"),
            "{annotation}"
        );
        assert_eq!(log.lines().count(), 100, "each has a line of its own");
    }

    #[test]
    fn outside_actions_plain_words_replace_commands() {
        let log = on_a_server(|console| {
            console.group("scan");
            console.end_group();
            console.warnings(&["careful".into()]);
            console.errors(&["bad".into(), "worse".into()]);
        });
        assert_eq!(log, "scan\nwarning: careful\nerror: bad\nerror: worse\n");
    }

    #[test]
    fn a_known_secret_is_never_printed() {
        let log = in_actions(|console| {
            console.secrets().add("hunter2 hunter2");
            console.line("a hunter2 hunter2 b");
            console.group("hunter2%20hunter2");
            console.errors(&["hunter2 hunter2".into(), "x".into()]);
        });
        assert_eq!(log, "a *** b\n::group::***\n***\nx\n::error::*** — x\n");
    }

    #[test]
    fn debug_lines_are_only_printed_if_debug_logging_is_on() {
        let runner = Runner {
            debug: true,
            ..Runner::default()
        };
        let log = printed(&runner, |console| console.debug(|| "GET /".into()));
        assert_eq!(log, "debug: GET /\n");
    }

    #[test]
    fn text_from_outside_never_becomes_a_command() {
        for text in [
            "::error::boo",
            "  ::set-output name=x::y",
            "a\n::error::boo",
            "a\r::error::boo",
            "a ##[error]boo",
            "#\u{200b}#\u{200b}[error]boo",
            "##\u{202e}[error]",
            "##\u{2060}[error]",
            "\u{ad}::error::boo",
            "####[x]",
        ] {
            let log = in_actions(|console| console.line(text));
            assert_eq!(log.lines().count(), 1, "{log:?}");
            assert!(!log.trim_start().starts_with("::"), "{log:?}");
            assert!(!log.contains("##["), "{log:?}");
            let annotation = in_actions(|console| console.warnings(&[text.into()]));
            assert_eq!(annotation.lines().count(), 1, "{annotation:?}");
            assert!(!annotation.contains("##["), "{annotation:?}");
        }
    }
}
