//! The binary: environment -> pass -> exit code.

use std::process::ExitCode;

/// musl's own gives every large buffer back to the system at once, and asks for it again.
#[cfg(target_env = "musl")]
#[global_allocator]
static ALLOCATOR: dlmalloc::GlobalDlmalloc = dlmalloc::GlobalDlmalloc;

fn main() -> ExitCode {
    let arguments = std::env::args_os().skip(1);
    if redeliver_webhooks::run(arguments, std::env::vars_os()) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
