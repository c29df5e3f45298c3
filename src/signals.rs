//! SIGINT and SIGTERM end the pass in an orderly way.

use std::io;

use tokio::signal::unix::{SignalKind, signal};

use crate::stop::Stop;
use crate::tell::console::Console;

/// Cancels the pass at the first signal, and leaves at once at the second. Without this a process that is
/// PID 1, as in a container, would not notice either.
///
/// # Errors
/// The system does not tell of signals.
pub fn watch(stop: &Stop, console: &Console) -> io::Result<()> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let (stop, console) = (stop.clone(), console.clone());
    tokio::spawn(async move {
        let mut next = async || {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
        };
        next().await;
        console.line(
            "Cancelled: what is on its way gets 3 s, then this pass writes down where it is.",
        );
        stop.cancel();
        next().await;
        leave();
    });
    Ok(())
}

#[expect(
    clippy::exit,
    reason = "whoever signals twice wants no outputs any more"
)]
fn leave() {
    std::process::exit(1);
}
