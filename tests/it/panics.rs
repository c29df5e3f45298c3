//! A panic in a pass costs only the webhook in which it happens, and is reported.

use std::io::{self, Write};
use std::sync::atomic::Ordering;

use redeliver_webhooks::model::Runner;
use redeliver_webhooks::model::{Outcome, PassResult};
use redeliver_webhooks::tell::console::Console;
use redeliver_webhooks::tell::summary;

use crate::virtual_world::{VirtualWorld, start};

/// A log that panics at the line that holds this text.
pub(crate) struct PanickingLog(pub(crate) &'static str);

impl Write for PanickingLog {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        assert!(
            !String::from_utf8_lossy(bytes).contains(self.0),
            "a bug with words"
        );
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_at_one_webhook_stops_no_other_and_loses_nothing() {
    // While its log is reported, while it makes requests, and after the last wave.
    for line in ["ci.example.com): ", "", "512345671: requested"] {
        let world = VirtualWorld::new();
        // Another of the same receiver, which must not wait for ever, and one of another.
        let same = world.add_webhook("https://ci.example.com/other");
        let other = world.add_webhook("https://chat.example.com");
        for hook in [world.hook, same, other] {
            world.log_failures(hook, 3, start());
        }
        let mut console = Console::new(&Runner::default(), PanickingLog(line));
        if line.is_empty() {
            world.bug.store(3, Ordering::Relaxed);
            console = Console::new(&Runner::default(), io::sink());
        }
        let report = world.pass_on(&console, start(), &[]).await;
        assert_eq!(report.result(), PassResult::Error, "{line}");
        let unaccounted = report.webhooks.iter().map(|each| each.unaccounted.len());
        let unaccounted_for = match line {
            "" => 2,
            "512345671: requested" => 3,
            _ => 0,
        };
        assert_eq!(
            unaccounted.max(),
            Some(unaccounted_for),
            "requested redeliveries are reported"
        );
        assert!(
            report.errors[0].contains("please report this"),
            "{:?}",
            report.errors
        );
        assert!(summary::markdown(&report).contains("please report this"));
        assert!(
            report.count(|outcome| outcome == Outcome::Recovered) >= 3,
            "{line}"
        );
        assert_eq!(world.undelivered(other).len(), 0, "{line}");

        tokio::time::advance(std::time::Duration::from_secs(3_700)).await;
        let report = world.pass(&[]).await;
        assert_eq!(report.errors, [""; 0]);
        for hook in [world.hook, same, other] {
            assert_eq!(world.undelivered(hook).len(), 0, "{line}");
            assert!(
                world.redelivered(hook).values().all(|times| *times == 1),
                "{line}"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_of_the_pass_itself_is_reported_with_the_results_so_far() {
    let world = VirtualWorld::new();
    world.log_failures(world.hook, 3, start());
    let console = Console::new(&Runner::default(), PanickingLog("Checkpoint moved"));
    let report = world.pass_on(&console, start(), &[]).await;
    assert!(
        report.errors[0].contains("please report this"),
        "{:?}",
        report.errors
    );
    assert_eq!(report.count(|outcome| outcome == Outcome::Recovered), 3);
}
