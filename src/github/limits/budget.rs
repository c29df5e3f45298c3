//! The points that a pass may spend in a minute, whatever credentials it uses
//! (<https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api#calculating-points-for-the-secondary-rate-limit>).

use std::collections::VecDeque;
use std::sync::Mutex;
use std::time::Duration;

use tokio::time::Instant;

use crate::lock::lock;
use crate::stop::{Stop, StopReason};

/// Points that may be spent in any minute. GitHub allows 900, and counts a request later than it was sent.
const POINTS_A_MINUTE: u32 = 840;

/// Points of these that are kept for the last write of the pass, which waits for nothing: checkpoint and state.
const KEPT_FOR_LAST_WRITE: u32 = 10;
const MINUTE: Duration = Duration::from_secs(60);

/// Most times that points and pace are halved.
const MOST_HALVINGS: u32 = 3;

/// The points of a minute. Requests wait for them in the order in which they came.
pub(crate) struct Budget {
    stop: Stop,
    state: Mutex<BudgetState>,
    queue: tokio::sync::Mutex<()>,
}

struct BudgetState {
    /// True if this GitHub has limits, so points count. `None` until a response shows it.
    limited: Option<bool>,
    /// Number of times that GitHub reported that requests came too fast.
    halvings: u32,
    /// Points spent in the last minute, with their times.
    spent: VecDeque<(Instant, u32)>,
}

impl Budget {
    /// With `limited`, GitHub is known to have limits even if its responses have no headers about them.
    pub(crate) fn new(stop: &Stop, limited: bool) -> Self {
        Self {
            stop: stop.clone(),
            state: Mutex::new(BudgetState {
                limited: limited.then_some(true),
                halvings: 0,
                spent: VecDeque::new(),
            }),
            queue: tokio::sync::Mutex::default(),
        }
    }

    /// The end of the pass.
    pub(crate) fn stop(&self) -> &Stop {
        &self.stop
    }

    /// Waits until this many points may be spent. No other request gets them while the returned guard lives.
    ///
    /// # Errors
    /// The pass ends before that.
    pub(crate) async fn wait(
        &self,
        points: u32,
    ) -> Result<tokio::sync::MutexGuard<'_, ()>, StopReason> {
        let guard = self.queue.lock().await;
        loop {
            let wait = lock(&self.state).wait(points);
            match wait {
                Some(wait) => self.stop.sleep_until(Instant::now() + wait).await?,
                None => return Ok(guard),
            }
        }
    }

    /// Spends points that [`Budget::wait`] waited for.
    pub(crate) fn spend(&self, points: u32) {
        let mut state = lock(&self.state);
        if state.limited != Some(false) {
            state.spent.push_back((Instant::now(), points));
        }
    }

    /// Records a response, whose headers name a limit if `limited`.
    pub(crate) fn note_response(&self, limited: bool) {
        let mut state = lock(&self.state);
        state.limited = Some(limited || state.limited == Some(true));
    }

    /// Halves the requests that are made in the same time from now on, because they came too fast.
    pub(crate) fn halve(&self) {
        let mut state = lock(&self.state);
        state.halvings = (state.halvings + 1).min(MOST_HALVINGS);
    }

    /// The part of the pace that is left: 1, and half of it each time that requests came too fast.
    pub(crate) fn share(&self) -> f64 {
        0.5_f64.powi(lock(&self.state).halvings.cast_signed())
    }
}

impl BudgetState {
    /// The time before this many points are free; `None` if they are now.
    fn wait(&mut self, points: u32) -> Option<Duration> {
        let now = Instant::now();
        let a_minute = (POINTS_A_MINUTE - KEPT_FOR_LAST_WRITE) >> self.halvings;
        let is_over = |(at, _): &(Instant, u32)| now.duration_since(*at) >= MINUTE;
        while self.spent.pop_front_if(|spent| is_over(spent)).is_some() {}
        let spent: u32 = self.spent.iter().map(|(_, points)| points).sum();
        let over = (spent + points).saturating_sub(a_minute);
        if self.limited != Some(true) || over == 0 {
            return None;
        }
        // The excess is free again once so many of the oldest points are a minute old.
        let mut freed = 0;
        let enough = self.spent.iter().find(|(_, points)| {
            freed += points;
            freed >= over
        });
        enough.map(|(at, _)| (*at + MINUTE).duration_since(now))
    }
}
