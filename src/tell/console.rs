//! The runner's contract: what is printed, and the files that outputs and the summary go to.
//!
//! Nothing else in the program prints. What is printed may hold GitHub's or a receiver's words, so
//! every line goes through [`one_line`]: text from outside never becomes a workflow command.

use std::io::Write;
use std::sync::{Arc, Mutex};

use crate::github::DebugLog;
use crate::lock::lock;
use crate::model::Runner;
use crate::secrets::Secrets;
use crate::text::one_line;

/// Longest line that is printed, in characters. The runner keeps 4,096 of an annotation.
const LINE: usize = 4_000;

/// Longest annotation that is made of several messages, in characters: what is longer, nobody reads.
const GLANCE: usize = 2_000;

/// Where the log goes: the runner's console, or a server's.
///
/// Outside Actions workflow commands mean nothing, so plain words stand in for them. No secret is printed, not even to have
/// the runner mask it: others read a container's log, too.
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

    /// The secrets that are kept out of the log.
    pub fn secrets(&self) -> &Secrets {
        &self.secrets
    }

    /// A line for everyone.
    pub fn line(&self, text: &str) {
        self.print(&harmless(&self.secrets.clean_our_own(text)));
    }

    /// A line for those who asked for debug logging. `text` is not made for others.
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

    /// What would do people good to know.
    pub fn notices(&self, messages: &[String]) {
        self.annotate("notice", messages);
    }

    /// What people should know though nothing failed.
    pub fn warnings(&self, messages: &[String]) {
        self.annotate("warning", messages);
    }

    /// What failed.
    pub fn errors(&self, messages: &[String]) {
        self.annotate("error", messages);
    }

    /// Every message has a line of its own. In Actions all of them make one annotation, because few
    /// are kept.
    fn annotate(&self, kind: &str, messages: &[String]) {
        if !self.in_actions {
            for message in messages {
                self.line(&format!("{kind}: {message}"));
            }
        } else if let [message] = messages {
            self.command(kind, "", message);
        } else if !messages.is_empty() {
            messages.iter().for_each(|message| self.line(message));
            self.command(kind, "", &at_a_glance(messages));
        }
    }

    /// Opens a part of the log that the runner folds away.
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
        // One write a line keeps lines whole. A log that nobody reads any more is no reason to
        // stop half-way through redelivering.
        let _ = sink.write_all(format!("{line}\n").as_bytes());
        let _ = sink.flush();
    }
}

/// Several messages as one, equal ones counted: the runner keeps few annotations. Each that is told is told
/// whole.
fn at_a_glance(messages: &[String]) -> String {
    let mut distinct: Vec<(&str, usize)> = Vec::new();
    for message in messages {
        match distinct.iter_mut().find(|(known, _)| known == message) {
            Some((_, times)) => *times += 1,
            None => distinct.push((message, 1)),
        }
    }
    let mut told = String::new();
    for (place, (message, times)) in distinct.iter().enumerate() {
        let message = match times {
            1 => (*message).to_owned(),
            times => format!("{message} ({times} times)"),
        };
        if place > 0 && told.chars().count() + message.chars().count() > GLANCE {
            let more = distinct.len() - place;
            return format!("{told} — and {more} more, see the log");
        }
        if place > 0 {
            told.push_str(" — ");
        }
        told.push_str(&message);
    }
    told
}

/// Escapes the data of a workflow command.
fn escape_data(data: &str) -> String {
    data.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

/// A line that the runner takes for no command. New-style commands stand first on a line, old-style
/// ones (`##[name]`) anywhere; [`one_line`] has broken up the latter.
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

    fn printed(runner: &Runner, talk: impl FnOnce(&Console)) -> String {
        let sink = Sink::default();
        talk(&Console::new(runner, sink.clone()));
        String::from_utf8(sink.0.lock().unwrap().clone()).unwrap()
    }

    pub(super) fn in_actions(talk: impl FnOnce(&Console)) -> String {
        let runner = Runner {
            in_actions: true,
            ..Runner::default()
        };
        printed(&runner, talk)
    }

    fn on_a_server(talk: impl FnOnce(&Console)) -> String {
        printed(&Runner::default(), talk)
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
    fn an_annotation_of_many_messages_holds_whole_ones_and_counts_the_rest() {
        let messages: Vec<String> = (0..99).map(|n| format!("{n} {}", "x".repeat(90))).collect();
        let log = in_actions(|console| console.errors(&messages));
        let annotations: Vec<_> = log.lines().filter(|line| line.starts_with("::")).collect();
        let [annotation] = annotations[..] else {
            panic!("{annotations:?}")
        };
        assert!(annotation.len() < GLANCE + 100, "{annotation}");
        assert!(
            annotation.ends_with("x — and 78 more, see the log"),
            "{annotation}"
        );
        assert_eq!(log.lines().count(), 100, "each has a line of its own");
    }

    #[test]
    fn on_a_server_words_are_printed() {
        let log = on_a_server(|console| {
            console.group("scan");
            console.end_group();
            console.warnings(&["careful".into()]);
            console.errors(&["bad".into(), "worse".into()]);
        });
        assert_eq!(log, "scan\nwarning: careful\nerror: bad\nerror: worse\n");
    }

    #[test]
    fn a_known_secret_is_printed_nowhere() {
        let log = in_actions(|console| {
            console.secrets().add("hunter2 hunter2");
            console.line("a hunter2 hunter2 b");
            console.group("hunter2%20hunter2");
            console.errors(&["hunter2 hunter2".into(), "x".into()]);
        });
        assert_eq!(log, "a *** b\n::group::***\n***\nx\n::error::*** — x\n");
    }

    #[test]
    fn debug_lines_are_for_those_who_ask() {
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
