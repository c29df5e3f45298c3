//! Pauses while GitHub gives no clear answers: time-outs, resets, 5xx, pages of a proxy.

use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::time::Instant;

use crate::decide::wave::LONGEST_SILENCE;
use crate::redeliver::Turn;
use crate::stop::StopReason;
use crate::text::counted;

/// Requests in a row without a clear answer after which the turn pauses before each further one: each may take
/// half a minute.
const UNCLEAR_IN_A_ROW: u32 = 3;

/// The first pause; each later one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_secs(10);

/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(120);

/// The final run of requests without a clear answer.
#[derive(Default)]
pub(super) struct Unclear {
    pub(super) requests: u32,
    /// Time that these took with the pauses between them, without waits for a limit or the pace and without confirming.
    took: Duration,
}

impl Unclear {
    /// Adds a request that took this long.
    pub(super) fn add(&mut self, took: Duration) {
        self.requests += 1;
        self.took += took;
    }

    /// The pause before the next request, if one is needed. Zero means that no further request follows.
    fn pause(&self) -> Option<Duration> {
        let left = LONGEST_SILENCE.to_std().ok()?.saturating_sub(self.took);
        let doublings = self.requests.checked_sub(UNCLEAR_IN_A_ROW)?.min(10);
        let pause = FIRST_PAUSE * 2_u32.pow(doublings);
        Some(pause.min(LONGEST_PAUSE).min(left))
    }
}

impl Turn<'_> {
    /// Pauses while GitHub gives no clear answers, then looks for an answer in its log. Nothing is requested after
    /// `until`, and the wave began at `since`. Returns whether the turn goes on.
    pub(super) async fn pause(&mut self, until: Instant, since: DateTime<Utc>) -> bool {
        let Some(pause) = self.unclear.pause() else {
            return true;
        };
        if pause.is_zero() {
            self.defer("GitHub gives no clear answers");
            let requests = counted(self.unclear.requests, "request");
            let webhook = self.webhook;
            self.warnings.push(format!(
                "{webhook}: GitHub gave no clear answer to {requests} for redeliveries within 10 minutes. The next \
                 pass goes on; if that fails as well, check GitHub's status and any proxy on the way"
            ));
            return false;
        }
        self.unclear.took += pause;
        let end = Instant::now() + pause;
        let stop = self.shared.credentials.stop();
        let slept = match end < until {
            true => stop.sleep_until(end).await,
            false => Err(StopReason::TimeLimit),
        };
        if let Err(why) = slept {
            self.defer_for(why);
            return false;
        }
        if !self.shared.confirm_timeout.is_zero()
            && let Some(from) = self.awaited.values().map(|each| each.since).min()
        {
            // An error is no clear answer either.
            let _ = self.look(since, from).await;
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_to_two_minutes_and_end_after_ten() {
        let mut unclear = Unclear::default();
        let mut pauses = Vec::new();
        loop {
            unclear.add(Duration::ZERO);
            let Some(pause) = unclear.pause() else {
                continue;
            };
            if pause.is_zero() {
                break;
            }
            pauses.push(pause.as_secs());
            unclear.took += pause;
        }
        assert_eq!(pauses, [10, 20, 40, 80, 120, 120, 120, 90]);
        assert_eq!(unclear.requests, 11);
    }
}
