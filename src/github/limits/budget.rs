//! The points that a pass may spend in a minute, whatever credentials it uses
//! (<https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api#calculating-points-for-the-secondary-rate-limit>).

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::stop::{Stop, StopReason};

/// Points that may be spent in any minute. GitHub allows 900, and counts a request later than it was sent.
const POINTS_A_MINUTE: u32 = 840;

/// Points of these that are kept for the pass's last word, which waits for nothing: checkpoint and state.
const LAST_WORD: u32 = 10;
const MINUTE: Duration = Duration::from_secs(60);

/// How often points and pace are halved at most.
const HALVINGS: u32 = 3;

/// The points of a minute. Requests that have to wait for them are served in turn.
pub(crate) struct Budget {
    stop: Stop,
    state: Mutex<State>,
    turn: tokio::sync::Mutex<()>,
}

struct State {
    /// Points count: GitHub has limits here. `None` until an answer says whether it does.
    counts: Option<bool>,
    /// How often GitHub said that requests came too fast.
    halvings: u32,
    /// Points spent in the last minute, with their times.
    spent: VecDeque<(Instant, u32)>,
}

impl Budget {
    /// `counts`: GitHub is known to have limits, even where its answers carry no headers that say so.
    pub(crate) fn new(stop: &Stop, counts: bool) -> Self {
        Self {
            stop: stop.clone(),
            state: Mutex::new(State {
                counts: counts.then_some(true),
                halvings: 0,
                spent: VecDeque::new(),
            }),
            turn: tokio::sync::Mutex::default(),
        }
    }

    pub(crate) fn stop(&self) -> &Stop {
        &self.stop
    }

    /// Waits until so many points may be spent. They are free until the returned turn ends.
    ///
    /// # Errors
    /// The pass is to end before.
    pub(crate) async fn wait(
        &self,
        points: u32,
    ) -> Result<tokio::sync::MutexGuard<'_, ()>, StopReason> {
        let turn = self.turn.lock().await;
        loop {
            let wait = self.state().wait(points);
            match wait {
                Some(wait) => self.stop.sleep_until(Instant::now() + wait).await?,
                None => return Ok(turn),
            }
        }
    }

    /// Spends points that [`Budget::wait`] found free.
    pub(crate) fn spend(&self, points: u32) {
        let mut state = self.state();
        if state.counts != Some(false) {
            state.spent.push_back((Instant::now(), points));
        }
    }

    /// An answer came, with headers that tell of a limit or without.
    pub(crate) fn learn(&self, limited: bool) {
        let mut state = self.state();
        state.counts = Some(limited || state.counts == Some(true));
    }

    /// Requests came too fast: from now on half as many are made in the same time.
    pub(crate) fn halve(&self) {
        let mut state = self.state();
        state.halvings = (state.halvings + 1).min(HALVINGS);
    }

    /// The part of the pace that is left: 1, and half as much each time that requests came too fast.
    pub(crate) fn share(&self) -> f64 {
        0.5_f64.powi(self.state().halvings.cast_signed())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// How long a request of so many points must wait, if it must.
    fn wait(&mut self, points: u32) -> Option<Duration> {
        let now = Instant::now();
        let a_minute = (POINTS_A_MINUTE - LAST_WORD) >> self.halvings;
        let is_over = |(at, _): &(Instant, u32)| now.duration_since(*at) >= MINUTE;
        while self.spent.front().is_some_and(is_over) {
            self.spent.pop_front();
        }
        let spent: u32 = self.spent.iter().map(|(_, points)| points).sum();
        let over = (spent + points).saturating_sub(a_minute);
        if self.counts != Some(true) || over == 0 {
            return None;
        }
        // Until so much of what was spent is a minute old.
        let mut freed = 0;
        let enough = self.spent.iter().find(|(_, points)| {
            freed += points;
            freed >= over
        });
        enough.map(|(at, _)| (*at + MINUTE).duration_since(now))
    }
}
