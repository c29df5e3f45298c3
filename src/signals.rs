//! SIGINT and SIGTERM end the pass in an orderly manner.

use std::io;

use tokio::signal::unix::{SignalKind, signal};

use crate::stop::Stop;

/// Cancels the pass at the first signal, after a call of `announce`, and exits at once at the second. Without handlers a
/// process that is PID 1, as in a container, would ignore both signals.
///
/// # Errors
/// The system can't install the handlers.
pub fn watch(stop: &Stop, announce: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let stop = stop.clone();
    tokio::spawn(async move {
        let mut next = async || {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
        };
        next().await;
        announce();
        stop.cancel();
        next().await;
        exit_at_once();
    });
    Ok(())
}

#[expect(
    clippy::exit,
    reason = "a second signal asks for an end without outputs"
)]
fn exit_at_once() {
    std::process::exit(1);
}
