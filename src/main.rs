//! The binary: environment -> pass -> exit code.

use std::process::ExitCode;

/// musl's own returns every large buffer to the system at once, and requests it again.
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
