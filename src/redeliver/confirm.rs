//! Watches GitHub's log for what came of a wave.
//!
//! The log lags, and shows other things meanwhile: live traffic, and what people redeliver by hand.
//! Every row read is taken in.

use std::sync::atomic::Ordering;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::time::Instant;

use crate::github;
use crate::github::{DeliveryLog, RequestError};
use crate::model::Failure;
use crate::model::Guid;
use crate::model::Outcome;
use crate::read::scan::Depth;
use crate::read::{AttemptOutcome, Row, rows};
use crate::redeliver::unclear::Unclear;
use crate::redeliver::{Asked, Turn};

/// The first wait before the log is read; each later one is twice as long.
const FIRST_WAIT: Duration = Duration::from_millis(500);

/// The longest of these waits.
const LONGEST_WAIT: Duration = Duration::from_secs(8);

/// How long a look at the log may take at the end of a pass.
const LAST_LOOK: Duration = Duration::from_secs(2);

/// How much newer than a request a row must be to say that the log has come so far. GitHub's times
/// are whole seconds.
const PAST: TimeDelta = TimeDelta::seconds(2);

impl Turn<'_> {
    /// Reads the log again and again, until it shows an outcome of everything in the wave or time is
    /// up.
    pub(super) async fn confirm(&mut self, since: DateTime<Utc>) {
        let stop = self.shared.credentials.stop();
        let deadline = Instant::now() + self.shared.confirm_timeout;
        // The last look is to come before the end of the pass.
        let deadline = deadline.min(stop.deadline() - LAST_LOOK);
        let mut wait = FIRST_WAIT;
        let mut newest = None;
        while self.seen.unseen > 0 {
            self.step();
            let next = Instant::now() + wait;
            if let Err(why) = stop.sleep_until(next.min(deadline)).await {
                return self.leave_unconfirmed(why.reason());
            }
            wait = (wait * 2).min(LONGEST_WAIT);
            let is_last = next >= deadline;
            let looked_for =
                |asked: &&Asked| is_last || asked.wave == self.wave || self.is_doubtful(asked);
            let looked_for = self.asked.values().filter(looked_for);
            let from = looked_for.map(|asked| asked.since).min().unwrap_or(since);
            match self.look(since, from).await {
                Ok(row) => {
                    newest = newest.max(row);
                    self.unread = None;
                }
                // GitHub's trouble passes, and the next look may tell.
                Err(error) if error.failure().is_passing() => self.unread = Some(error.to_string()),
                Err(error) => {
                    if let RequestError::Stopped(why) = error.failure() {
                        return self.leave_unconfirmed(why.reason());
                    }
                    self.errors.push(error.to_string());
                    return self.leave_unconfirmed("GitHub's log could not be read");
                }
            }
            if is_last {
                break;
            }
        }
        self.ask_again(newest);
    }

    /// Ends the turn before the log showed what came of the wave.
    fn leave_unconfirmed(&mut self, reason: &str) {
        self.unconfirmed = Some(format!("not confirmed: {reason}"));
        self.defer(reason);
    }

    /// Reads the log from its newest page to the first that is wholly older than `from`, or until all was seen that was
    /// asked for since. Tells the newest row's time. The wave began at `since`.
    pub(super) async fn look(
        &mut self,
        since: DateTime<Utc>,
        from: DateTime<Utc>,
    ) -> Result<Option<DateTime<Utc>>, github::Error> {
        let mut log = DeliveryLog::new(self.client, self.webhook);
        let (mut newest_of_all, mut depth) = (None, Depth::default());
        while let Some(page) = log.next_page().await? {
            let (mut attempts, unreadable) = rows(&page)?;
            depth.reach(&page, &attempts, unreadable.is_empty())?;
            // A success settles a delivery whatever else stands beside it.
            attempts.sort_by_key(|attempt| attempt.outcome() != AttemptOutcome::Succeeded);
            let newest = attempts.iter().map(|attempt| attempt.delivered_at).max();
            newest_of_all = newest_of_all.max(newest);
            for attempt in attempts {
                self.take_in(&attempt, since);
            }
            let mut asked = self.asked.values();
            let all_seen = !asked.any(|asked| asked.since >= from);
            if all_seen || newest.is_some_and(|newest| newest < from) {
                break;
            }
        }
        Ok(newest_of_all)
    }

    /// What a row of the log says of what is due and what was asked for.
    fn take_in(&mut self, attempt: &Row<'_>, since: DateTime<Utc>) {
        let verdict = attempt.outcome();
        let guid = &attempt.guid;
        if verdict == AttemptOutcome::Succeeded {
            let at = attempt.delivered_at;
            self.seen.success |= at >= since;
            self.seen.newest_success = self.seen.newest_success.max(Some(at));
            if let Some(asked) = self.asked.remove(guid) {
                self.outcome(asked, Outcome::Recovered);
            } else if let Some(failure) = self.take_due(guid).or_else(|| self.refused.take(guid)) {
                let reason = "somebody else had it redelivered".to_owned();
                self.settle(failure, Outcome::Recovered, Some(reason));
            } else {
                return;
            }
            if let Some(delivery) = self.deliveries.last_mut() {
                delivery.delivered = Some(attempt.into());
            }
            return;
        }
        if let Some(asked) = self.asked.get_mut(guid) {
            let ours = attempt.is_redelivery()
                && attempt.delivered_at >= asked.since
                && !asked.failure.has(attempt.id);
            if ours {
                // Whatever GitHub said, it redelivers.
                asked.unclear = None;
                self.unclear = Unclear::default();
            }
            if ours
                && verdict == AttemptOutcome::Failed
                && let Some(mut asked) = self.asked.remove(guid)
            {
                asked.failure.add(attempt.into(), attempt.into());
                self.outcome(asked, Outcome::FailedAgain);
            }
        } else if let Some(failure) = self.due.iter_mut().find(|due| due.guid == *guid)
            && attempt.delivered_at > failure.newest.at
        {
            // Somebody else tried it: the newest attempt is the one to redeliver.
            failure.add(attempt.into(), attempt.into());
        }
    }

    fn take_due(&mut self, guid: &Guid) -> Option<Failure> {
        let place = self.due.iter().position(|due| due.guid == *guid)?;
        self.due.remove(place)
    }

    fn outcome(&mut self, asked: Asked, outcome: Outcome) {
        self.unclear = Unclear::default();
        self.no_longer_unseen(&asked);
        // What shows late says as much of the receiver as what shows at once.
        match outcome {
            Outcome::Recovered => self.seen.recovered += 1,
            _ => self.seen.failed += 1,
        }
        self.settle(asked.failure, outcome, None);
    }

    fn no_longer_unseen(&mut self, asked: &Asked) {
        self.shared.unseen.fetch_sub(1, Ordering::Relaxed);
        self.seen.unseen -= usize::from(asked.wave == self.wave);
    }

    /// Whether it may be asked for again, as nobody knows whether it was.
    fn is_doubtful(&self, asked: &Asked) -> bool {
        asked.unclear.is_some() && !self.asked_twice.contains(&asked.failure.guid)
    }

    /// A request that got no clear answer is asked for again, once, if the log has come past it and
    /// shows nothing of it.
    fn ask_again(&mut self, newest: Option<DateTime<Utc>>) {
        let lost = |asked: &Asked| {
            self.is_doubtful(asked) && newest.is_some_and(|newest| newest >= asked.at + PAST)
        };
        let lost = self.asked.values().filter(|asked| lost(asked));
        let mut lost: Vec<_> = lost
            .map(|asked| (asked.order(), asked.failure.guid.clone()))
            .collect();
        lost.sort_unstable_by_key(|(order, _)| *order);
        for (_, guid) in lost {
            if let Some(asked) = self.asked.remove(&guid) {
                self.no_longer_unseen(&asked);
                self.asked_twice.push(guid);
                self.due.push_back(asked.failure);
            }
        }
    }
}
