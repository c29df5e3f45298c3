//! The result of a run: exit code, log, outputs and summary, and assertions about them.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Output;

use crate::world::World;

/// The result of a run.
#[derive(Debug)]
pub(crate) struct RunResult {
    pub(crate) code: Option<i32>,
    pub(crate) log: String,
    pub(crate) outputs: BTreeMap<String, String>,
    pub(crate) summary: String,
}

impl RunResult {
    /// The result of a process.
    pub(crate) fn of_process(world: &World, output: &Output, folder: &Path) -> Self {
        let log = String::from_utf8(output.stdout.clone()).unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(stderr, "", "the log is one stream; it was:\n{log}");
        Self::new(world, output.status.code(), log, folder)
    }

    pub(crate) fn new(world: &World, code: Option<i32>, log: String, folder: &Path) -> Self {
        world.judge();
        let commands = folder.join("file_commands");
        let read = |name| std::fs::read_to_string(commands.join(name)).unwrap_or_default();
        Self {
            code,
            outputs: as_the_runner_reads(&read("set_output")),
            summary: read("step_summary"),
            log,
        }
    }

    /// Asserts exit code 0.
    #[track_caller]
    pub(crate) fn success(self) -> Self {
        assert_eq!(self.code, Some(0), "{}", self.log);
        self
    }

    /// Asserts exit code 1 because something was lost, and nothing else failed.
    #[track_caller]
    pub(crate) fn lost(self) -> Self {
        assert_eq!(self.code, Some(1), "{}", self.log);
        self.outputs(&["result=lost", "errors=0"])
    }

    /// Asserts exit code 1, and that the log, the summary and the error annotation say `why`.
    #[track_caller]
    pub(crate) fn failure(self, why: &str) -> Self {
        assert_eq!(self.code, Some(1), "{}", self.log);
        let annotations = self
            .log
            .lines()
            .filter(|line| line.starts_with("::error::"));
        let annotations: Vec<&str> = annotations.collect();
        assert_eq!(annotations.len(), 1, "{}", self.log);
        assert!(annotations[0].contains(why), "{why}:\n{}", annotations[0]);
        let in_a_span = why.replace('`', "'");
        assert!(
            self.summary.contains(&in_a_span),
            "{why}:\n{}",
            self.summary
        );
        assert_eq!(self.output("result"), "error");
        self
    }

    /// Asserts outputs, as `name=value`.
    #[track_caller]
    pub(crate) fn outputs(self, expected: &[&str]) -> Self {
        for each in expected {
            let (name, value) = each.split_once('=').unwrap();
            assert_eq!(self.output(name), value, "{name}:\n{}", self.log);
        }
        self
    }

    #[track_caller]
    pub(crate) fn output(&self, name: &str) -> &str {
        let value = self.outputs.get(name);
        value.unwrap_or_else(|| panic!("no output {name}: {self:?}"))
    }

    /// Asserts that the log holds `text`.
    #[track_caller]
    pub(crate) fn says(self, text: &str) -> Self {
        assert!(self.log.contains(text), "{text}:\n{}", self.log);
        self
    }
}

/// The output file as the runner reads it: in each line the earlier of `=` and `<<` decides, a
/// heredoc ends at a line that equals its delimiter, anything else fails the step.
pub(crate) fn as_the_runner_reads(file: &str) -> BTreeMap<String, String> {
    let mut outputs = BTreeMap::new();
    let mut lines = file.lines();
    while let Some(line) = lines.next() {
        if line.is_empty() {
            continue;
        }
        let equals = line.find('=').unwrap_or(usize::MAX);
        let heredoc = line.find("<<").unwrap_or(usize::MAX);
        assert!(equals != heredoc, "neither `=` nor `<<`: {line}");
        let (name, value) = if equals < heredoc {
            (&line[..equals], line[equals + 1..].to_owned())
        } else {
            let delimiter = &line[heredoc + 2..];
            assert!(!delimiter.is_empty(), "no delimiter: {line}");
            let mut value = Vec::new();
            loop {
                match lines.next() {
                    Some(line) if line == delimiter => break,
                    Some(line) => value.push(line),
                    None => panic!("no end of {line}"),
                }
            }
            (&line[..heredoc], value.join("\n"))
        };
        assert!(!name.is_empty(), "no name: {line}");
        outputs.insert(name.to_owned(), value);
    }
    outputs
}
