//! Watches GitHub's log for the outcomes of a wave.
//!
//! The log lags, and also shows live traffic and redeliveries by hand. Every row counts.

use std::sync::atomic::Ordering;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::time::Instant;

use crate::github;
use crate::github::{DeliveryLog, RequestError};
use crate::model::FailedDelivery;
use crate::model::Guid;
use crate::model::Outcome;
use crate::read::scan::Depth;
use crate::read::{AttemptOutcome, Row, rows};
use crate::redeliver::unclear::Unclear;
use crate::redeliver::{AwaitedRedelivery, Turn};

/// The first wait before the log is read; each later one is twice as long.
const FIRST_CONFIRM_WAIT: Duration = Duration::from_millis(500);

/// The longest wait before the log is read.
const LONGEST_CONFIRM_WAIT: Duration = Duration::from_secs(8);

/// Longest time for the last look at the log before the pass ends.
const LAST_LOOK: Duration = Duration::from_secs(2);

/// A row this much newer than a request proves that the log has passed the request. GitHub's times are whole seconds.
const PAST: TimeDelta = TimeDelta::seconds(2);

impl Turn<'_> {
    /// Reads the log again and again, until it shows the outcome of everything in the wave or time is up.
    pub(super) async fn confirm(&mut self, since: DateTime<Utc>) {
        let stop = self.shared.credentials.stop();
        let deadline = Instant::now() + self.shared.confirm_timeout;
        // The last look must come before the end of the pass.
        let deadline = deadline.min(stop.deadline() - LAST_LOOK);
        let mut wait = FIRST_CONFIRM_WAIT;
        let mut newest = None;
        while self.wave_result.unconfirmed > 0 {
            self.update_progress();
            let next = Instant::now() + wait;
            if let Err(why) = stop.sleep_until(next.min(deadline)).await {
                return self.leave_unconfirmed(why.reason());
            }
            wait = (wait * 2).min(LONGEST_CONFIRM_WAIT);
            let is_last = next >= deadline;
            let looked_for = |each: &&AwaitedRedelivery| {
                is_last || each.wave == self.wave || self.is_doubtful(each)
            };
            let looked_for = self.awaited.values().filter(looked_for);
            let from = looked_for.map(|each| each.since).min().unwrap_or(since);
            match self.look(since, from).await {
                Ok(row) => {
                    newest = newest.max(row);
                    self.unread = None;
                }
                // The next look may succeed.
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
        self.request_again(newest);
    }

    /// Ends the turn before the log showed the outcome of the wave.
    fn leave_unconfirmed(&mut self, reason: &str) {
        self.unconfirmed = Some(format!("not confirmed: {reason}"));
        self.defer(reason);
    }

    /// Reads the log from its newest page to the first that is wholly older than `from`, or until everything requested
    /// since is confirmed. Returns the newest row's time. The wave began at `since`.
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
            // A success decides a delivery's outcome, whatever the other rows show.
            attempts.sort_by_key(|attempt| attempt.outcome() != AttemptOutcome::Succeeded);
            let newest = attempts.iter().map(|attempt| attempt.delivered_at).max();
            newest_of_all = newest_of_all.max(newest);
            for attempt in attempts {
                self.apply(&attempt, since);
            }
            let mut awaited = self.awaited.values();
            let all_confirmed = !awaited.any(|each| each.since >= from);
            if all_confirmed || newest.is_some_and(|newest| newest < from) {
                break;
            }
        }
        Ok(newest_of_all)
    }

    /// Applies a row of the log to the deliveries that are due and the redeliveries that are awaited.
    fn apply(&mut self, attempt: &Row<'_>, since: DateTime<Utc>) {
        let verdict = attempt.outcome();
        let guid = &attempt.guid;
        if verdict == AttemptOutcome::Succeeded {
            let at = attempt.delivered_at;
            self.wave_result.success |= at >= since;
            self.wave_result.newest_success = self.wave_result.newest_success.max(Some(at));
            if let Some(awaited) = self.awaited.remove(guid) {
                self.confirm_outcome(awaited, Outcome::Recovered);
            } else if let Some(failure) = self.take_due(guid).or_else(|| self.refused.take(guid)) {
                let reason = "someone else redelivered it".to_owned();
                self.finish(failure, Outcome::Recovered, Some(reason));
            } else {
                return;
            }
            if let Some(delivery) = self.deliveries.last_mut() {
                delivery.delivered = Some(attempt.into());
            }
            return;
        }
        if let Some(awaited) = self.awaited.get_mut(guid) {
            let ours = attempt.is_redelivery()
                && attempt.delivered_at >= awaited.since
                && !awaited.failure.has_attempt(attempt.id);
            if ours {
                // Whatever GitHub answered, it redelivers.
                awaited.unclear = None;
                self.unclear = Unclear::default();
            }
            if ours
                && verdict == AttemptOutcome::Failed
                && let Some(mut awaited) = self.awaited.remove(guid)
            {
                awaited.failure.add(attempt.into(), attempt.into());
                self.confirm_outcome(awaited, Outcome::FailedAgain);
            }
        } else if let Some(failure) = self.due.iter_mut().find(|due| due.guid == *guid)
            && attempt.delivered_at > failure.newest.at
        {
            // Someone else redelivered it: the newest attempt is the one to redeliver.
            failure.add(attempt.into(), attempt.into());
        }
    }

    fn take_due(&mut self, guid: &Guid) -> Option<FailedDelivery> {
        let place = self.due.iter().position(|due| due.guid == *guid)?;
        self.due.remove(place)
    }

    fn confirm_outcome(&mut self, awaited: AwaitedRedelivery, outcome: Outcome) {
        self.unclear = Unclear::default();
        self.no_longer_unseen(&awaited);
        // An outcome of an earlier wave shows as much of the receiver.
        match outcome {
            Outcome::Recovered => self.wave_result.recovered += 1,
            _ => self.wave_result.failed += 1,
        }
        self.finish(awaited.failure, outcome, None);
    }

    fn no_longer_unseen(&mut self, awaited: &AwaitedRedelivery) {
        self.shared.unseen.fetch_sub(1, Ordering::Relaxed);
        self.wave_result.unconfirmed -= usize::from(awaited.wave == self.wave);
    }

    /// True if GitHub's answer was unclear and it was not requested a second time yet.
    fn is_doubtful(&self, awaited: &AwaitedRedelivery) -> bool {
        awaited.unclear.is_some() && !self.requested_twice.contains(&awaited.failure.guid)
    }

    /// Makes redeliveries due once more whose request got no clear answer, if the log has passed the request and shows
    /// nothing of it.
    fn request_again(&mut self, newest: Option<DateTime<Utc>>) {
        let is_lost = |each: &&AwaitedRedelivery| {
            self.is_doubtful(each) && newest.is_some_and(|newest| newest >= each.at + PAST)
        };
        let lost = self.awaited.values().filter(is_lost);
        let mut lost: Vec<_> = lost
            .map(|each| (each.order(), each.failure.guid.clone()))
            .collect();
        lost.sort_unstable_by_key(|(order, _)| *order);
        for (_, guid) in lost {
            if let Some(awaited) = self.awaited.remove(&guid) {
                self.no_longer_unseen(&awaited);
                self.requested_twice.push(guid);
                self.due.push_back(awaited.failure);
            }
        }
    }
}
