//! Checks the log and the files of a pass: no secret, no workflow command and no live Markdown may be in them.

use std::io::{self, Write};
use std::path::Path;
use std::sync::{Arc, Mutex};

use redeliver_webhooks::conclude;
use redeliver_webhooks::model::{FailOn, Runner};
use redeliver_webhooks::report::Report;
use redeliver_webhooks::tell::console::Console;
use tempfile::TempDir;

use crate::virtual_world::TOKEN;

/// The secret part of payload URLs.
pub(super) const HOOK_SECRET: &str = "hook0secret";

/// Texts that only a hostile response can bring into the output.
const COMMAND: &str = "stop-commands";
const HOST: &str = "evil.example.com";

/// Hostile texts in responses of GitHub and receivers.
pub(super) const HOSTILE_EVENT: &str = "x|y`](https://evil.example.com)<img src=x>";
pub(super) const HOSTILE_STATUS: &str = "bad\n::stop-commands::x\r::stop-commands::y ##[stop-commands]z\n<img src=x>|`](https://evil.example.com)";
pub(super) const HOSTILE_ANSWER: &str =
    r###"{"message":"No\n::stop-commands::x ##[stop-commands]\n](https://evil.example.com)"}"###;

/// The log of a pass, and its output files if it has them.
pub(super) struct PassOutput {
    pub(super) console: Console,
    runner: Runner,
    log: Log,
    folder: Option<TempDir>,
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl PassOutput {
    pub(super) fn new(debug: bool, files: bool) -> Self {
        let folder = files.then(|| TempDir::new().unwrap());
        let file = |name| folder.as_ref().map(|folder| folder.path().join(name));
        let runner = Runner {
            in_actions: true,
            debug,
            output_file: file("output"),
            summary_file: file("summary"),
        };
        let log = Log::default();
        Self {
            console: Console::new(&runner, log.clone()),
            runner,
            log,
            folder,
        }
    }

    /// Ends the pass as the program does, unless it was killed, and returns the errors in its output.
    pub(super) fn end(self, report: Option<&Report>) -> Vec<String> {
        let mut wrong = Vec::new();
        if let Some(report) = report {
            let succeeded = !report.fails(FailOn::Error);
            let report = report.clone();
            if conclude(&self.console, &self.runner, None, report, FailOn::Error) != succeeded {
                wrong.push("what a pass came to could not be written".into());
            }
        }
        let log = String::from_utf8(self.log.0.lock().unwrap().clone()).unwrap();
        wrong.extend(secrets(&log, "the log"));
        for line in log.split(['\n', '\r']) {
            let line = line.trim_start();
            if line.starts_with(&format!("::{COMMAND}")) || line.contains("##[") {
                wrong.push(format!("a command in the log: {line}"));
            }
        }
        if let (Some(folder), Some(report)) = (&self.folder, report) {
            wrong.extend(outputs(folder.path(), report));
            wrong.extend(summary(folder.path()));
        }
        wrong
    }
}

fn secrets(text: &str, place: &str) -> Vec<String> {
    let secrets = [TOKEN, HOOK_SECRET];
    let found = secrets.iter().filter(|secret| text.contains(**secret));
    found.map(|secret| format!("{secret} in {place}")).collect()
}

/// Every output is written, and nothing else is.
fn outputs(folder: &Path, report: &Report) -> Vec<String> {
    let Ok(text) = std::fs::read_to_string(folder.join("output")) else {
        return vec!["no outputs were written".into()];
    };
    let mut wrong = secrets(&text, "the outputs");
    let mut lines = text.lines();
    let mut read = Vec::new();
    while let Some(line) = lines.next() {
        let Some((name, end)) = line.split_once("<<") else {
            wrong.push(format!("a stray line in the outputs: {line}"));
            continue;
        };
        let value: Vec<_> = lines.by_ref().take_while(|line| *line != end).collect();
        read.push((name.to_owned(), value.join("\n")));
    }
    let meant = report.outputs().into_iter();
    let meant: Vec<_> = meant
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
    if read != meant {
        wrong.push(format!("outputs {meant:?} read back as {read:?}"));
    }
    let result = |(name, value): &(String, String)| {
        name == "result" && (value == "error" || report.errors.is_empty())
    };
    if !read.iter().any(result) {
        wrong.push("the outputs do not tell of an error".into());
    }
    wrong
}

/// Checks that the summary is written, and that all text outside of its code spans is ours.
fn summary(folder: &Path) -> Vec<String> {
    let Ok(text) = std::fs::read_to_string(folder.join("summary")) else {
        return vec!["no summary was written".into()];
    };
    let mut wrong = secrets(&text, "the summary");
    let mut outside = text.lines().flat_map(|line| line.split('`').step_by(2));
    if text.is_empty() || outside.any(|part| part.contains("<img") || part.contains(HOST)) {
        wrong.push(format!("the summary is empty or alive: {text}"));
    }
    wrong
}
