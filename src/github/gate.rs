//! One gate for all requests of a pass: while GitHub allows none, all wait, and go on together, slower
//! (<https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api>).

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use http::HeaderMap;
use tokio::time::Instant;

use super::clock::{Clock, sound};
use super::meter::Remaining;
use crate::stop::{Stop, Why};

/// Points that may be spent in any minute. GitHub allows 900; what it counts arrives later than what is
/// counted here is sent.
const POINTS_A_MINUTE: u32 = 840;
const MINUTE: Duration = Duration::from_secs(60);

/// What part of the hourly limit is left to others who use the same credential.
const LEFT_TO_OTHERS: u64 = 10;

/// The wait after a secondary limit without further word; twice as long each time.
const FIRST_WAIT: TimeDelta = TimeDelta::seconds(60);

/// A longer wait ends the pass: the next one costs less than a runner that sleeps.
const LONGEST_WAIT: TimeDelta = TimeDelta::minutes(5);

/// GitHub's times are whole seconds.
const SECOND: TimeDelta = TimeDelta::seconds(1);

/// How often the pace is halved at most.
const HALVINGS: u32 = 3;

/// What GitHub said where it allowed nothing more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limited {
    /// To wait until this time.
    Until(DateTime<Utc>),
    /// Nothing but that it is too much.
    Unsaid,
}

impl Limited {
    /// What the headers of a refusal say, at the time `now`.
    pub(super) fn read(headers: &HeaderMap, now: DateTime<Utc>) -> Self {
        let text = |name: &str| headers.get(name)?.to_str().ok().map(str::trim);
        let number = |name: &str| text(name)?.parse::<i64>().ok();
        if let Some(after) = text("retry-after") {
            let seconds = after.parse().ok().and_then(TimeDelta::try_seconds);
            let until = match seconds {
                Some(seconds) => now.checked_add_signed(seconds),
                None => DateTime::parse_from_rfc2822(after)
                    .ok()
                    .map(|time| time.to_utc()),
            };
            if let Some(until) = until.filter(sound) {
                return Self::Until(until);
            }
        }
        match (number("x-ratelimit-remaining"), number("x-ratelimit-reset")) {
            (Some(0), Some(reset)) => {
                let reset = DateTime::from_timestamp(reset, 0).filter(sound);
                reset.map_or(Self::Unsaid, Self::Until)
            }
            _ => Self::Unsaid,
        }
    }
}

/// What may be asked for, and when.
pub(super) struct Gate {
    stop: Stop,
    state: Mutex<State>,
    /// Those that wait for points are served in turn.
    turn: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct State {
    /// Nothing is asked for before this time. GitHub's clock may be mended while all wait, and must not
    /// move it.
    closed_until: Option<Instant>,
    /// How often it was closed: answers to what was asked before do not close it again.
    closings: u32,
    /// How often GitHub gave no time in a row.
    unsaid: u32,
    /// Whether GitHub tells of limits, and so points count, once it has answered.
    counts: Option<bool>,
    /// Requests an hour.
    limit: Option<u64>,
    /// The least that was left, by when it is renewed: each credential has its own hour.
    remaining: BTreeMap<DateTime<Utc>, Remaining>,
    /// What was spent in the last minute.
    spent: VecDeque<(Instant, u32)>,
}

impl State {
    fn halvings(&self) -> u32 {
        self.closings.min(HALVINGS)
    }
}

/// Leave to make one request.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Leave {
    closings: u32,
}

impl Gate {
    pub(super) fn new(stop: &Stop) -> Self {
        Self {
            stop: stop.clone(),
            state: Mutex::default(),
            turn: tokio::sync::Mutex::default(),
        }
    }

    pub(super) fn stop(&self) -> &Stop {
        &self.stop
    }

    /// Waits until a request of so many points may be made; `Err` if the pass is to end before.
    pub(super) async fn pass(&self, points: u32) -> Result<Leave, Why> {
        let _turn = self.turn.lock().await;
        loop {
            if let Some(why) = self.stop.why() {
                return Err(why);
            }
            let wait = {
                let mut state = self.state();
                match wait(&mut state, points) {
                    Some(wait) => wait,
                    None => {
                        if state.counts != Some(false) {
                            state.spent.push_back((Instant::now(), points));
                        }
                        return Ok(Leave {
                            closings: state.closings,
                        });
                    }
                }
            };
            self.stop.sleep_until(Instant::now() + wait).await?;
        }
    }

    /// Takes in what an answer's headers say of the limit.
    pub(super) fn learn(&self, headers: &HeaderMap, leave: Leave, clock: &Clock) {
        let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<u64>().ok();
        let Some(limit) = number("x-ratelimit-limit") else {
            self.state().counts.get_or_insert(false);
            return;
        };
        let reset = number("x-ratelimit-reset")
            .and_then(|reset| DateTime::from_timestamp(i64::try_from(reset).ok()?, 0))
            .filter(sound);
        {
            let mut state = self.state();
            state.counts = Some(true);
            state.limit = Some(limit);
        }
        if let (Some(left), Some(reset)) = (number("x-ratelimit-remaining"), reset) {
            let mut state = self.state();
            let now = clock.now();
            state.remaining.retain(|reset, _| *reset > now);
            let told = Remaining { left, limit };
            let least = state.remaining.entry(reset).or_insert(told);
            least.left = least.left.min(left);
        }
        if let (Some(remaining), Some(reset)) = (number("x-ratelimit-remaining"), reset)
            && remaining < limit.div_ceil(LEFT_TO_OTHERS)
        {
            self.close(Limited::Until(reset), leave, clock);
        }
    }

    /// GitHub refused a request because of a limit.
    pub(super) fn refused(&self, limited: Limited, leave: Leave, clock: &Clock) {
        match limited {
            // A time that is over was no reason to refuse.
            Limited::Until(until) if until < clock.now() => {
                self.close(Limited::Unsaid, leave, clock);
            }
            limited => self.close(limited, leave, clock),
        }
    }

    /// GitHub allows nothing more for now. All wait, or if that takes too long, the pass ends.
    fn close(&self, limited: Limited, leave: Leave, clock: &Clock) {
        let now = clock.now();
        let mut state = self.state();
        // What was asked for before it was closed says the same once more.
        let again = leave.closings < state.closings;
        let until = match limited {
            Limited::Until(until) => {
                state.unsaid = 0;
                until + SECOND
            }
            Limited::Unsaid if again => return,
            Limited::Unsaid => {
                state.unsaid += 1;
                now + FIRST_WAIT * 2_i32.saturating_pow(state.unsaid.min(10) - 1)
            }
        };
        let Ok(wait) = (until - now).to_std() else {
            return;
        };
        if !again {
            state.closings += 1;
        }
        state.closed_until = state.closed_until.max(Some(Instant::now() + wait));
        drop(state);
        if until - now > LONGEST_WAIT || !self.stop.leaves(wait) {
            self.stop.limit(until);
        }
    }

    /// What is left of the hourly limit, if GitHub told of one.
    pub(super) fn remaining(&self) -> Option<Remaining> {
        let state = self.state();
        let least = state.remaining.values().min_by_key(|each| each.left);
        least.copied()
    }

    /// Until when nothing may be asked for, if that is so.
    pub(super) fn closed_until(&self) -> Option<Instant> {
        let until = self.state().closed_until;
        until.filter(|until| Instant::now() < *until)
    }

    /// Requests an hour, if GitHub told of a limit.
    pub(super) fn hourly_limit(&self) -> Option<u64> {
        self.state().limit
    }

    /// What part of the pace is left: 1, and half as much each time a limit was met.
    pub(super) fn share(&self) -> f64 {
        0.5_f64.powi(self.state().halvings().cast_signed())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How long a request of so many points must wait, if it must.
fn wait(state: &mut State, points: u32) -> Option<Duration> {
    let (now, a_minute) = (Instant::now(), POINTS_A_MINUTE >> state.halvings());
    if let Some(until) = state.closed_until.filter(|until| now < *until) {
        return Some(until.duration_since(now));
    }
    state.closed_until = None;
    while state
        .spent
        .front()
        .is_some_and(|(at, _)| now.duration_since(*at) >= MINUTE)
    {
        state.spent.pop_front();
    }
    let spent: u32 = state.spent.iter().map(|(_, points)| points).sum();
    let over = (spent + points).saturating_sub(a_minute);
    if state.counts != Some(true) || over == 0 {
        return None;
    }
    // Until so much of what was spent is a minute old.
    let mut freed = 0;
    let enough = state.spent.iter().find(|(_, points)| {
        freed += points;
        freed >= over
    });
    enough.map(|(at, _)| (*at + MINUTE).duration_since(now))
}
