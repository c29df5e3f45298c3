//! Prints progress while a pass runs: now and then a line for each webhook that takes long, so that no long pass is
//! silent and no short one noisy.

use std::cmp::Reverse;
use std::convert::Infallible;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::github::Credentials;
use crate::read::progress::{Phase, Progress, WebhookProgress};
use crate::tell::console::Console;
use crate::text::{counted, number, rfc3339};

/// Shortest time between two lines about one webhook, and before the first line about it.
pub const EVERY: Duration = Duration::from_secs(5);

/// Longest time that the log is silent while something is under way.
pub const SILENCE: Duration = Duration::from_secs(30);

/// Most webhooks that are logged at a time.
const AT_A_TIME: usize = 5;

/// Logs progress for ever.
pub async fn log(progress: &Progress, console: &Console, credentials: &Credentials) -> Infallible {
    let mut last = Instant::now();
    let mut searched = 0;
    loop {
        sleep(EVERY).await;
        let mut lines = news(progress);
        let requests = credentials.requests();
        if lines.is_empty() && progress.webhooks().is_empty() && requests > searched {
            searched = requests;
            let requests = counted(requests, "request");
            lines.push(format!("looking for webhooks, {requests} so far"));
        }
        if lines.is_empty() && last.elapsed() >= SILENCE {
            lines.extend(match credentials.closed_until() {
                Some(until) => Some(format!(
                    "waiting until {} as GitHub's limit says",
                    rfc3339(until)
                )),
                None => longest(progress),
            });
        }
        for line in lines {
            last = Instant::now();
            console.line(&line);
        }
    }
}

/// A line for each webhook whose progress changed, those first that began first; and a count of the rest.
fn news(progress: &Progress) -> Vec<String> {
    let mut webhooks = progress.webhooks();
    let mut changed: Vec<&mut WebhookProgress> = webhooks
        .iter_mut()
        .filter(|webhook| webhook.changed && webhook.since.elapsed() >= EVERY)
        .collect();
    changed.sort_by_key(|webhook| Reverse(webhook.since.elapsed()));
    let more = changed.len().saturating_sub(AT_A_TIME);
    let mut lines = Vec::new();
    for webhook in changed.into_iter().take(AT_A_TIME) {
        lines.extend(line(webhook));
        webhook.changed = false;
    }
    if more > 0 {
        lines.push(format!("and {} under way", counted(more, "more webhook")));
    }
    lines
}

/// A line for the webhook that has been in its phase longest, if any is busy.
fn longest(progress: &Progress) -> Option<String> {
    let webhooks = progress.webhooks();
    let busy = webhooks
        .iter()
        .filter(|webhook| webhook.phase != Phase::Resting);
    line(busy.max_by_key(|webhook| webhook.since.elapsed())?)
}

fn line(webhook: &WebhookProgress) -> Option<String> {
    let took = webhook.since.elapsed().as_secs_f64().max(1.0);
    let name = &webhook.name;
    match webhook.phase {
        Phase::Resting => None,
        Phase::Reading { pages, attempts } => Some(format!(
            "{name}: reading, {} and {} so far, {:.1} pages/s",
            counted(pages, "page"),
            counted(attempts, "attempt"),
            f64::from(pages) / took,
        )),
        Phase::Redelivering {
            due,
            requested,
            recovered,
            failed,
        } => Some(format!(
            "{name}: redelivering, {} of {} requested, {} recovered, {} failed again, {:.0}/min",
            number(requested as u64),
            number(due as u64),
            number(recovered as u64),
            number(failed as u64),
            requested as f64 * 60.0 / took,
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{HookId, Owner, Webhook};
    use crate::read::progress::ProgressHandle;

    fn webhook(progress: &Progress, id: u64) -> ProgressHandle {
        progress.add(&Webhook {
            owner: Owner::Organization("acme".into()),
            id: Some(HookId(id)),
            receiver: String::new(),
        })
    }

    #[tokio::test(start_paused = true)]
    async fn only_a_webhook_that_takes_long_and_makes_progress_is_logged() {
        let progress = Progress::default();
        let (slow, short, stuck) = (
            webhook(&progress, 1),
            webhook(&progress, 2),
            webhook(&progress, 3),
        );
        let reading = |pages| Phase::Reading {
            pages,
            attempts: u64::from(pages) * 100,
        };
        slow.set(reading(1));
        stuck.set(reading(7));
        sleep(EVERY - Duration::from_secs(1)).await;
        short.set(reading(2));
        assert_eq!(news(&progress), [""; 0], "nothing takes long yet");
        sleep(Duration::from_secs(1)).await;
        slow.set(reading(20));
        short.set(Phase::Resting);
        let line = "acme webhook 1: reading, 20 pages and 2000 attempts so far, 4.0 pages/s";
        assert_eq!(news(&progress)[0], line);
        sleep(EVERY).await;
        assert_eq!(news(&progress), [""; 0], "nothing moved");
        stuck.set(Phase::Resting);
        assert_eq!(
            longest(&progress).as_deref(),
            Some(&*line.replace("4.0", "2.0"))
        );
        slow.set(Phase::Redelivering {
            due: 99,
            requested: 0,
            recovered: 0,
            failed: 0,
        });
        assert_eq!(news(&progress), [""; 0], "this has just begun");
        sleep(EVERY).await;
        let lines = news(&progress);
        assert_eq!(
            lines,
            ["acme webhook 1: redelivering, 0 of 99 requested, 0 recovered, 0 failed again, 0/min"]
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_few_of_many_webhooks_are_logged_in_turn_and_the_rest_counted() {
        let progress = Progress::default();
        let all: Vec<ProgressHandle> = (0..12).map(|id| webhook(&progress, id)).collect();
        for each in &all {
            each.set(Phase::Reading {
                pages: 1,
                attempts: 1,
            });
        }
        sleep(EVERY).await;
        let lines = news(&progress);
        assert_eq!(lines.len(), 6);
        assert_eq!(lines[5], "and 7 more webhooks under way");
        assert_eq!(news(&progress)[5], "and 2 more webhooks under way");
        assert_eq!(news(&progress).len(), 2);
    }
}
