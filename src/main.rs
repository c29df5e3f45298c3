//! The binary: environment -> pass -> exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments = std::env::args_os().skip(1);
    if redeliver_webhooks::run(arguments, std::env::vars_os()) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
