//! One pass from the environment to the exit code.

use std::ffi::{OsStr, OsString};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use chrono::Utc;

use crate::file::SharedPath;
use crate::github::Credentials;
use crate::inputs;
use crate::inputs::{Environment, Inputs};
use crate::model::{FailOn, Runner};
use crate::report::{Report, notices};
use crate::stop::Stop;
use crate::tell::console::Console;
use crate::tell::{files, summary};
use crate::{file, pass, signals};

/// The beginning of the text that `--help` prints.
const HELP: &str = concat!(
    "redeliver-webhooks ",
    env!("CARGO_PKG_VERSION"),
    "\n",
    env!("CARGO_PKG_DESCRIPTION"),
    ".\n\nThere are no arguments but --help and --version. Inputs are environment variables; README.md \
     says what they mean:"
);

/// Printed at the first signal.
const CANCELLED: &str =
    "Cancelled: waiting up to 3 s for requests in flight, then saving the checkpoint";

/// Time from a cancellation until the pass is abandoned. A runner kills the process 10 s after its first signal.
const ABANDON_AFTER: Duration = Duration::from_millis(4_700);

/// Runs one pass as the environment defines it: prints the log, writes outputs and the job summary. Returns whether the
/// step succeeded.
pub fn run(
    arguments: impl IntoIterator<Item = OsString>,
    variables: impl IntoIterator<Item = (OsString, OsString)>,
) -> bool {
    let environment = Environment::new(variables);
    let runner = environment.runner().clone();
    let console = Console::stdout(&runner);
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    match arguments.first() {
        None => run_with(environment, &console, |inputs| run_pass(inputs, &console)),
        Some(first) if arguments.len() == 1 && first == "--help" => {
            print_help(&console);
            true
        }
        Some(first) if arguments.len() == 1 && first == "--version" => {
            console.line(concat!("redeliver-webhooks ", env!("CARGO_PKG_VERSION")));
            true
        }
        Some(first) => {
            let report = Report::of_error(unexpected_argument(first));
            conclude(&console, &runner, None, report, FailOn::Error)
        }
    }
}

/// Like [`run`], with another pass: tests run one without sockets and in virtual time.
pub fn run_with(
    mut environment: Environment,
    console: &Console,
    run_pass: impl FnOnce(&Arc<Inputs>) -> anyhow::Result<Report>,
) -> bool {
    let runner = environment.runner().clone();
    environment.keep_files_apart(|path| file::target(path).ok());
    let (report_file, unknown_inputs) = (environment.report_file(), environment.unknown_inputs());
    let (mut report, fail_on) = match environment.inputs(Utc::now()) {
        Ok(inputs) => {
            let inputs = Arc::new(inputs);
            let report = report_of(|| run_pass(&inputs));
            (report, inputs.fail_on)
        }
        Err(errors) => {
            let report = Report {
                errors: errors.iter().map(ToString::to_string).collect(),
                ..Report::default()
            };
            (report, FailOn::Error)
        }
    };
    report.warnings.extend(unknown_inputs);
    conclude(console, &runner, report_file.as_ref(), report, fail_on)
}

fn print_help(console: &Console) {
    HELP.lines().for_each(|line| console.line(line));
    for name in inputs::NAMES {
        let name = name.to_uppercase().replace('-', "_");
        console.line(&format!("  INPUT_{name}"));
    }
}

fn unexpected_argument(argument: &OsStr) -> String {
    format!(
        "`{}` is not accepted: there are no arguments but `--help` and `--version`. Inputs are written under `with:` in a \
         workflow, without `args`, and as variables (`INPUT_DRY_RUN=true`) elsewhere",
        argument.to_string_lossy()
    )
}

/// The report of a pass, even if the pass failed or panicked: outputs and summary are still written after a bug. The
/// next pass finds the redeliveries of this one in GitHub's log.
fn report_of(pass: impl FnOnce() -> anyhow::Result<Report>) -> Report {
    match catch_unwind(AssertUnwindSafe(pass)) {
        Ok(Ok(report)) => report,
        Ok(Err(error)) => Report::of_error(format!("{error:#}")),
        Err(_) => Report::of_panic(notices::PANIC),
    }
}

fn run_pass(inputs: &Arc<Inputs>, console: &Console) -> anyhow::Result<Report> {
    // A panic's message may hold secrets; its place is enough to report it.
    let panicked = console.clone();
    std::panic::set_hook(Box::new(move |panic| {
        let place = panic
            .location()
            .map(ToString::to_string)
            .unwrap_or_default();
        panicked.line(&format!("A bug was met at {place}."));
    }));
    // One thread is enough: all waits are for the network.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("the runtime could not be started")?;
    // As a task of its own: before each poll of the future that it blocks on, the runtime makes a system call.
    let pass = runtime.spawn(pass_in_time(Arc::clone(inputs), console.clone()));
    let report = match runtime.block_on(pass) {
        Ok(report) => report,
        Err(ended) => resume_unwind(ended.into_panic()),
    };
    // Don't wait for a name lookup that is still running.
    runtime.shutdown_background();
    report
}

/// Runs a pass that ends soon after a cancellation, whatever it is doing.
async fn pass_in_time(inputs: Arc<Inputs>, console: Console) -> anyhow::Result<Report> {
    let stop = Stop::after(inputs.policy.time_limit);
    let printer = console.clone();
    signals::watch(&stop, move || printer.line(CANCELLED))
        .context("signals can't be waited for")?;
    let (base, network, access) = (&inputs.api, &inputs.network, inputs.required_access());
    let credential = &inputs.credential;
    let log = console.debug_log();
    let credentials = Credentials::new(base, network, credential, access, &log, &stop)?;
    tokio::select! {
        biased;
        report = pass::run(&inputs, &credentials, &console) => Ok(report),
        () = stop.grace(ABANDON_AFTER) => Ok(Report::of_cancelled()),
    }
}

/// Publishes the report: outputs, summary, report file, annotations, and the verdict as the log's last line. Returns
/// whether the step succeeds: `fail_on` decides. A file that could not be written always fails the step.
pub fn conclude(
    console: &Console,
    runner: &Runner,
    report_file: Option<&SharedPath>,
    mut report: Report,
    fail_on: FailOn,
) -> bool {
    let messages = [&mut report.errors, &mut report.warnings, &mut report.notes];
    for message in messages.into_iter().flatten() {
        *message = console.secrets().clean_our_own(message).into_owned();
    }
    let written = write_files(runner, report_file, &mut report);
    let fails = report.fails(fail_on) || !written;
    if fails && report.errors.is_empty() {
        // People look at the errors first to see why a step is red.
        report.errors.push(notices::of_failure(&report, fail_on));
    }
    console.notices(&report.notes);
    console.warnings(&report.warnings);
    console.errors(&report.errors);
    console.line(&report.verdict());
    !fails
}

/// Writes the report to each requested file, and adds an error to it for each that failed. Returns whether all
/// were written.
fn write_files(runner: &Runner, report_file: Option<&SharedPath>, report: &mut Report) -> bool {
    let mut written = true;
    let mut check = |report: &mut Report, result: Option<Result<(), files::OutputError>>| {
        if let Some(Err(error)) = result {
            written = false;
            report.errors.push(error.to_string());
        }
    };
    let result = report_file.map(|file| files::write_report(file, report));
    check(report, result);
    let outputs = runner.output_file.as_deref();
    let result = outputs.map(|path| files::append_outputs(path, &report.outputs()));
    check(report, result);
    let summary = runner.summary_file.as_deref();
    let result = summary.map(|path| files::append_summary(path, &summary::markdown(report)));
    check(report, result);
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_reported_like_any_error() {
        let report = report_of(|| panic!("a bug"));
        assert_eq!(report.errors, [notices::PANIC]);
        let outputs = report.outputs();
        assert_eq!(outputs[0], ("result", "error".to_owned()));
        assert!(summary::markdown(&report).contains("please report this"));
    }
}
