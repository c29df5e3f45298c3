//! One pass from the environment to the exit code.

use std::ffi::OsString;
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

/// What `--help` prints.
const HELP: &str = concat!(
    "redeliver-webhooks ",
    env!("CARGO_PKG_VERSION"),
    "\n",
    env!("CARGO_PKG_DESCRIPTION"),
    ".\n\nThere are no arguments but --help and --version. Inputs are environment variables; README.md \
     says what they mean:"
);

/// When a pass that was cancelled is left as it is. A runner kills what has not ended 10 s after.
const AT_LAST: Duration = Duration::from_millis(4_700);

/// Runs one pass as the environment says: prints the log, writes outputs and the job summary.
/// Tells whether the step succeeded.
pub fn run(
    arguments: impl IntoIterator<Item = OsString>,
    variables: impl IntoIterator<Item = (OsString, OsString)>,
) -> bool {
    let environment = Environment::new(variables);
    let runner = environment.runner().clone();
    let console = Console::stdout(&runner);
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    match arguments.as_slice() {
        [] => {}
        [only] if only == "--help" => {
            HELP.lines().for_each(|line| console.line(line));
            for name in inputs::NAMES {
                let name = name.to_uppercase().replace('-', "_");
                console.line(&format!("  INPUT_{name}"));
            }
            return true;
        }
        [only] if only == "--version" => {
            console.line(concat!("redeliver-webhooks ", env!("CARGO_PKG_VERSION")));
            return true;
        }
        [first, ..] => {
            let error = format!(
                "`{}` is not accepted: there are no arguments but `--help` and `--version`. Inputs are \
                 written under `with:` in a workflow, without `args`, and as variables \
                 (`INPUT_DRY_RUN=true`) elsewhere",
                first.to_string_lossy()
            );
            let report = Report::of_error(error);
            return conclude(&console, &runner, None, report, FailOn::Error);
        }
    }
    run_with(environment, &console, |inputs| run_pass(inputs, &console))
}

/// The same with a pass of the caller's. Tests run one without sockets and in virtual time.
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
            let report = reported(|| run_pass(&inputs));
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

/// What a pass came to, even if it failed or panicked. A bug must not take outputs and summary with it;
/// what the pass did until then shows in GitHub's log, where the next one finds it.
fn reported(pass: impl FnOnce() -> anyhow::Result<Report>) -> Report {
    match catch_unwind(AssertUnwindSafe(pass)) {
        Ok(Ok(report)) => report,
        Ok(Err(error)) => Report::of_error(format!("{error:#}")),
        Err(_) => Report::of_panic(notices::PANIC),
    }
}

fn run_pass(inputs: &Arc<Inputs>, console: &Console) -> anyhow::Result<Report> {
    // Whatever a panic says may hold secrets; where it was is enough to report it.
    let panicked = console.clone();
    std::panic::set_hook(Box::new(move |panic| {
        let place = panic
            .location()
            .map(ToString::to_string)
            .unwrap_or_default();
        panicked.line(&format!("A bug was met at {place}."));
    }));
    // The network is all that is waited for: one thread does.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("the runtime could not be started")?;
    // As a task of its own: before each turn of the one that it blocks on, the runtime asks the system for news.
    let pass = runtime.spawn(pass_in_time(Arc::clone(inputs), console.clone()));
    let report = match runtime.block_on(pass) {
        Ok(report) => report,
        Err(ended) => resume_unwind(ended.into_panic()),
    };
    // A name that is being looked up must not keep anybody waiting.
    runtime.shutdown_background();
    report
}

/// A pass, which ends some time after it was stopped whatever it is at.
async fn pass_in_time(inputs: Arc<Inputs>, console: Console) -> anyhow::Result<Report> {
    let stop = Stop::after(inputs.policy.time_limit);
    signals::watch(&stop, &console).context("signals can't be waited for")?;
    let (base, network, access) = (&inputs.api, &inputs.network, inputs.required_access());
    let credential = &inputs.credential;
    let log = console.debug_log();
    let credentials = Credentials::new(base, network, credential, access, &log, &stop)?;
    tokio::select! {
        biased;
        report = pass::run(&inputs, &credentials, &console) => Ok(report),
        () = stop.grace(AT_LAST) => Ok(Report::of_cancelled()),
    }
}

/// Tells how the pass ended, in all the ways there are, and whether the step succeeded: as `fail_on` says,
/// and not where even that could not be written.
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
    let mut written = true;
    if let Some(Err(error)) = report_file.map(|file| files::write_report(file, &report)) {
        written = false;
        report.errors.push(error.to_string());
    }
    let outputs = runner.output_file.as_deref();
    let outputs = outputs.map(|path| files::append_outputs(path, &report.outputs()));
    if let Some(Err(error)) = outputs {
        written = false;
        report.errors.push(error.to_string());
    }
    let summary = runner.summary_file.as_deref();
    let summary = summary.map(|path| files::append_summary(path, &summary::markdown(&report)));
    if let Some(Err(error)) = summary {
        written = false;
        report.errors.push(error.to_string());
    }
    let fails = report.fails(fail_on) || !written;
    if fails && report.errors.is_empty() {
        // A step that is red must say why where people look first.
        report.errors.push(notices::of_failure(&report, fail_on));
    }
    console.notices(&report.notes);
    console.warnings(&report.warnings);
    console.errors(&report.errors);
    console.line(&report.verdict());
    !fails
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_reported_like_any_error() {
        let report = reported(|| panic!("a bug"));
        assert_eq!(report.errors, [notices::PANIC]);
        let outputs = report.outputs();
        assert_eq!(outputs[0], ("result", "error".to_owned()));
        assert!(summary::markdown(&report).contains("please report this"));
    }
}
