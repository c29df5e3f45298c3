//! What the log says while a pass is under way: a line for each webhook that takes long, now and then, so that
//! no long pass is silent and no short one noisy.

use std::cmp::Reverse;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::github::Credentials;
use crate::lock::lock;
use crate::model::Webhook;
use crate::tell::console::Console;
use crate::text::{counted, number, rfc3339};

/// How often a webhook is told of at most, and how long one must take to be told of at all.
pub const EVERY: Duration = Duration::from_secs(5);

/// How long the log may be silent while something is under way.
pub const SILENCE: Duration = Duration::from_secs(30);

/// Most webhooks that are told of at a time.
const AT_A_TIME: usize = 5;

/// How far each webhook is.
#[derive(Default)]
pub struct Progress {
    webhooks: Arc<Mutex<Vec<State>>>,
}

/// One webhook's part of it.
#[derive(Clone)]
pub struct Steps {
    webhooks: Arc<Mutex<Vec<State>>>,
    place: usize,
}

struct State {
    name: String,
    /// What it is at, and since when.
    phase: Phase,
    since: Instant,
    /// Something happened since it was last told of.
    news: bool,
}

/// What a webhook is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Its log is being read.
    Reading {
        /// Pages so far.
        pages: u32,
        /// Attempts so far.
        attempts: u64,
    },
    /// Its deliveries are being redelivered.
    Redelivering {
        /// How many were due.
        due: usize,
        /// Asked for so far.
        asked: usize,
        /// Seen to succeed so far.
        recovered: usize,
        /// Seen to fail again so far.
        failed: usize,
    },
    /// It waits for others, or is done.
    Resting,
}

impl Progress {
    /// A webhook begins.
    pub fn of(&self, webhook: &Webhook) -> Steps {
        let mut webhooks = lock(&self.webhooks);
        webhooks.push(State {
            name: webhook.to_string(),
            phase: Phase::Resting,
            since: Instant::now(),
            news: false,
        });
        Steps {
            webhooks: Arc::clone(&self.webhooks),
            place: webhooks.len() - 1,
        }
    }

    /// Tells of it for ever.
    pub async fn tell(&self, console: &Console, credentials: &Credentials) -> Infallible {
        let mut last = Instant::now();
        let mut searched = 0;
        loop {
            sleep(EVERY).await;
            let mut lines = self.news();
            let requests = credentials.requests();
            if lines.is_empty() && lock(&self.webhooks).is_empty() && requests > searched {
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
                    None => self.longest(),
                });
            }
            for line in lines {
                last = Instant::now();
                console.line(&line);
            }
        }
    }

    /// A line for each webhook of which there is news, those that were begun first; and how many more there
    /// are.
    fn news(&self) -> Vec<String> {
        let mut webhooks = lock(&self.webhooks);
        let mut told: Vec<&mut State> = webhooks
            .iter_mut()
            .filter(|state| state.news && state.since.elapsed() >= EVERY)
            .collect();
        told.sort_by_key(|state| Reverse(state.since.elapsed()));
        let more = told.len().saturating_sub(AT_A_TIME);
        let mut lines = Vec::new();
        for state in told.into_iter().take(AT_A_TIME) {
            lines.extend(state.line());
            state.news = false;
        }
        if more > 0 {
            lines.push(format!("and {} under way", counted(more, "more webhook")));
        }
        lines
    }

    /// A line for the webhook that is at the same longest, if any is at anything.
    fn longest(&self) -> Option<String> {
        let webhooks = lock(&self.webhooks);
        let busy = webhooks
            .iter()
            .filter(|state| state.phase != Phase::Resting);
        busy.max_by_key(|state| state.since.elapsed())?.line()
    }
}

impl Steps {
    /// What the webhook is at now.
    pub fn at(&self, phase: Phase) {
        let mut webhooks = lock(&self.webhooks);
        let state = &mut webhooks[self.place];
        let same = std::mem::discriminant(&state.phase) == std::mem::discriminant(&phase);
        if !same {
            state.since = Instant::now();
        }
        state.news = phase != Phase::Resting && state.phase != phase;
        state.phase = phase;
    }
}

impl State {
    fn line(&self) -> Option<String> {
        let took = self.since.elapsed().as_secs_f64().max(1.0);
        let name = &self.name;
        match self.phase {
            Phase::Resting => None,
            Phase::Reading { pages, attempts } => Some(format!(
                "{name}: reading, {} and {} so far, {:.1} pages/s",
                counted(pages, "page"),
                counted(attempts, "attempt"),
                f64::from(pages) / took,
            )),
            Phase::Redelivering {
                due,
                asked,
                recovered,
                failed,
            } => Some(format!(
                "{name}: redelivering, {} of {} asked for, {} recovered, {} failed again, {:.0}/min",
                number(asked as u64),
                number(due as u64),
                number(recovered as u64),
                number(failed as u64),
                asked as f64 * 60.0 / took,
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{HookId, Owner};

    fn steps(progress: &Progress, id: u64) -> Steps {
        progress.of(&Webhook {
            owner: Owner::Organization("acme".into()),
            id: Some(HookId(id)),
            receiver: String::new(),
        })
    }

    #[tokio::test(start_paused = true)]
    async fn only_what_takes_long_and_moves_is_told() {
        let progress = Progress::default();
        let (slow, short, stuck) = (
            steps(&progress, 1),
            steps(&progress, 2),
            steps(&progress, 3),
        );
        let reading = |pages| Phase::Reading {
            pages,
            attempts: u64::from(pages) * 100,
        };
        slow.at(reading(1));
        stuck.at(reading(7));
        sleep(EVERY - Duration::from_secs(1)).await;
        short.at(reading(2));
        assert_eq!(progress.news(), [""; 0], "nothing takes long yet");
        sleep(Duration::from_secs(1)).await;
        slow.at(reading(20));
        short.at(Phase::Resting);
        let line = "acme webhook 1: reading, 20 pages and 2000 attempts so far, 4.0 pages/s";
        assert_eq!(progress.news()[0], line);
        sleep(EVERY).await;
        assert_eq!(progress.news(), [""; 0], "nothing moved");
        stuck.at(Phase::Resting);
        assert_eq!(
            progress.longest().as_deref(),
            Some(&*line.replace("4.0", "2.0"))
        );
        slow.at(Phase::Redelivering {
            due: 99,
            asked: 0,
            recovered: 0,
            failed: 0,
        });
        assert_eq!(progress.news(), [""; 0], "this has just begun");
        sleep(EVERY).await;
        let told = progress.news();
        assert_eq!(
            told,
            ["acme webhook 1: redelivering, 0 of 99 asked for, 0 recovered, 0 failed again, 0/min"]
        );
    }

    #[tokio::test(start_paused = true)]
    async fn of_many_a_few_are_told_in_turn_and_the_rest_counted() {
        let progress = Progress::default();
        let all: Vec<Steps> = (0..12).map(|id| steps(&progress, id)).collect();
        for each in &all {
            each.at(Phase::Reading {
                pages: 1,
                attempts: 1,
            });
        }
        sleep(EVERY).await;
        let lines = progress.news();
        assert_eq!(lines.len(), 6);
        assert_eq!(lines[5], "and 7 more webhooks under way");
        assert_eq!(progress.news()[5], "and 2 more webhooks under way");
        assert_eq!(progress.news().len(), 2);
    }
}
