//! One gate for each credential: while GitHub allows it nothing, all its requests wait, or its work ends
//! (<https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api>).

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use http::HeaderMap;
use tokio::time::Instant;

use crate::github::clock::{Clock, sound};
use crate::github::http::shared::Kind;
use crate::github::limits::budget::Budget;
use crate::github::limits::meter::Remaining;
use crate::stop::StopReason;
use crate::watched::Watched;

/// The wait after a secondary limit that comes without a time; twice as long each time.
pub(crate) const FIRST_WAIT: TimeDelta = TimeDelta::seconds(60);

/// A longer wait ends the credential's work: the next pass costs less than a runner that sleeps.
pub(crate) const LONGEST_WAIT: Duration = Duration::from_secs(300);

/// GitHub's times are whole seconds.
const SECOND: TimeDelta = TimeDelta::seconds(1);

/// The limit that GitHub says is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limited {
    /// The hourly limit is used up until this time.
    Primary(DateTime<Utc>),
    /// Requests came too fast: to wait until this time, if GitHub named one.
    Secondary(Option<DateTime<Utc>>),
}

impl Limited {
    /// What the headers of a refusal say, at the time `now`. A time in the past says nothing.
    pub(crate) fn read(headers: &HeaderMap, now: DateTime<Utc>) -> Self {
        let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<i64>().ok();
        if let Some(until) = retry_after(headers, now) {
            return Self::Secondary(Some(until).filter(|until| *until >= now));
        }
        let reset = number("x-ratelimit-reset")
            .filter(|_| number("x-ratelimit-remaining") == Some(0))
            .and_then(|reset| DateTime::from_timestamp(reset, 0))
            .filter(|reset| sound(reset) && *reset >= now);
        reset.map_or(Self::Secondary(None), Self::Primary)
    }
}

/// The time that `retry-after` names, as seconds from `now` or as a date.
pub(crate) fn retry_after(headers: &HeaderMap, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let after = headers.get("retry-after")?.to_str().ok()?.trim();
    let until = match after.parse().ok().and_then(TimeDelta::try_seconds) {
        Some(seconds) => now.checked_add_signed(seconds),
        None => DateTime::parse_from_rfc2822(after)
            .ok()
            .map(|time| time.to_utc()),
    };
    until.filter(sound)
}

/// A credential whose limit ended its work.
#[derive(Clone, Debug)]
pub struct LimitEnd {
    /// Whose it is, for people: an input, the App or an account.
    pub name: String,
    /// When the limit ends.
    pub until: DateTime<Utc>,
    /// What is left of the hourly limit, if GitHub told of one.
    pub remaining: Option<Remaining>,
}

/// What a credential may ask for, and when.
pub(crate) struct Gate {
    /// Whose limit it is, for people: an input, the App or an account.
    name: String,
    budget: Arc<Budget>,
    state: Watched<State>,
}

#[derive(Clone, Copy, Default)]
struct State {
    /// Nothing is asked for before GitHub's limit ends.
    closed: Option<Closed>,
    /// How often it was closed: answers to what was asked before do not close it again.
    closings: u32,
    /// How often GitHub gave no time in a row.
    untimed: u32,
    /// What the last of these requests counted as: a success of a cheaper one says nothing of it.
    untimed_points: u32,
    /// What is left of the hourly limit.
    hour: Option<Hour>,
    /// The latest time that ended work with this credential.
    ended_until: Option<DateTime<Utc>>,
}

/// A wait that GitHub imposes.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Closed {
    /// When it is over. GitHub's clock may be corrected while requests wait, and must not move it.
    opens: Instant,
    /// The same by GitHub's clock.
    until: DateTime<Utc>,
    /// It takes longer than a pass may wait.
    too_long: bool,
}

/// The hourly limit as the newest answer told it.
#[derive(Clone, Copy)]
struct Hour {
    remaining: Remaining,
    reset: DateTime<Utc>,
    renewed: Closed,
}

impl State {
    /// The wait before a request of this kind, if there is one.
    fn closed_to(&self, kind: Kind) -> Option<Closed> {
        let short = |hour: &Hour| {
            let Remaining { left, limit } = hour.remaining;
            left <= kind.left_to_others(limit)
        };
        let hour = self.hour.filter(short).map(|hour| hour.renewed);
        let now = Instant::now();
        let closed = [self.closed, hour].into_iter().flatten();
        let closed = closed.filter(|closed| now < closed.opens);
        closed.max_by_key(|closed| closed.opens)
    }
}

/// Leave to make one request.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Leave {
    closings: u32,
    /// What GitHub counts the request as.
    points: u32,
}

impl Gate {
    pub(crate) fn new(name: String, budget: &Arc<Budget>) -> Self {
        Self {
            name,
            budget: Arc::clone(budget),
            state: Watched::default(),
        }
    }

    /// Whose limit it is, for people: an input, the App or an account.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Waits until a request of this kind may be made.
    ///
    /// # Errors
    /// That takes too long, or the pass is to end before.
    pub(crate) async fn opened(&self, kind: Kind) -> Result<(), StopReason> {
        let stop = self.budget.stop();
        loop {
            if let Some(why) = stop.why() {
                return Err(why);
            }
            if let Err(why) = self.may(kind) {
                // Nobody may need what was asked for ahead: whoever does says so.
                if kind != Kind::OldRead {
                    self.end(kind);
                }
                return Err(why);
            }
            let Some(closed) = self.state.get().closed_to(kind) else {
                return Ok(());
            };
            let changed = self.state.wait_for(|state| {
                let same = state.closed_to(kind) == Some(closed);
                (!same).then_some(())
            });
            tokio::select! {
                biased;
                slept = stop.sleep_until(closed.opens) => slept?,
                () = changed => {}
            }
        }
    }

    /// Whether a request of this kind may be made now, or after a wait that is worth it.
    ///
    /// # Errors
    /// It may not before the limit ends.
    pub(crate) fn may(&self, kind: Kind) -> Result<(), StopReason> {
        match self.state.get().closed_to(kind) {
            Some(Closed {
                too_long: true,
                until,
                ..
            }) => Err(StopReason::Limit(until)),
            _ => Ok(()),
        }
    }

    /// Notes that work with this credential ends where a request of this kind may not be made.
    pub(crate) fn end(&self, kind: Kind) {
        if let Err(StopReason::Limit(until)) = self.may(kind) {
            self.state
                .change(|state| state.ended_until = state.ended_until.max(Some(until)));
        }
    }

    /// Leave to make a request of this kind; `None` if it must wait after all.
    pub(crate) fn leave(&self, kind: Kind) -> Option<Leave> {
        let state = self.state.get();
        let closings = state.closings;
        state.closed_to(kind).is_none().then_some(Leave {
            closings,
            points: kind.points(),
        })
    }

    /// Takes in what an answer's headers say of the limit.
    pub(crate) fn learn(&self, headers: &HeaderMap, clock: &Clock) {
        let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<u64>().ok();
        let limit = number("x-ratelimit-limit");
        self.budget.learn(limit.is_some());
        let reset = number("x-ratelimit-reset")
            .and_then(|reset| DateTime::from_timestamp(i64::try_from(reset).ok()?, 0))
            .filter(sound);
        let (Some(limit), Some(left), Some(reset)) =
            (limit, number("x-ratelimit-remaining"), reset)
        else {
            return;
        };
        let Some(renewed) = self.closed(reset + SECOND, clock) else {
            return;
        };
        self.state.change(|state| {
            // Answers may arrive in another order than they were given.
            let left = match state.hour {
                Some(hour) if reset < hour.reset => return,
                Some(hour) if reset == hour.reset => left.min(hour.remaining.left),
                _ => left,
            };
            state.hour = Some(Hour {
                remaining: Remaining { left, limit },
                reset,
                renewed,
            });
        });
    }

    /// GitHub did what was asked. What left before the gate was closed says nothing of the time since.
    pub(crate) fn accepted(&self, leave: Leave) {
        let state = self.state.get();
        let as_costly = leave.points >= state.untimed_points;
        if state.untimed > 0 && as_costly && leave.closings == state.closings {
            self.state.change(|state| state.untimed = 0);
        }
    }

    /// GitHub refused a request because of a limit.
    pub(crate) fn refused(&self, limited: Limited, leave: Leave, clock: &Clock) {
        let state = self.state.get();
        // A request that left before the gate was closed says the same once more.
        let again = leave.closings < state.closings;
        let mut untimed = 0;
        let until = match limited {
            Limited::Primary(until) | Limited::Secondary(Some(until)) => until + SECOND,
            Limited::Secondary(None) if again => return,
            Limited::Secondary(None) => {
                untimed = state.untimed + 1;
                clock.now() + FIRST_WAIT * 2_i32.saturating_pow(untimed.min(10) - 1)
            }
        };
        let Some(closed) = self.closed(until, clock) else {
            return;
        };
        if !again && matches!(limited, Limited::Secondary(_)) {
            self.budget.halve();
        }
        self.state.change(|state| {
            state.untimed = untimed;
            state.untimed_points = leave.points;
            state.closings += u32::from(!again);
            if state.closed.is_none_or(|known| known.opens < closed.opens) {
                state.closed = Some(closed);
            }
        });
    }

    /// A wait until this time; `None` if it is over.
    fn closed(&self, until: DateTime<Utc>, clock: &Clock) -> Option<Closed> {
        let wait = (until - clock.now()).to_std().ok()?;
        Some(Closed {
            opens: Instant::now() + wait,
            until,
            too_long: !self.is_worth_it(wait),
        })
    }

    /// Whether a pass may wait so long.
    fn is_worth_it(&self, wait: Duration) -> bool {
        wait <= LONGEST_WAIT && self.budget.stop().leaves(wait)
    }

    /// What is left of the hourly limit, if GitHub told of one.
    pub(crate) fn remaining(&self) -> Option<Remaining> {
        let hour = self.state.get().hour;
        let current = hour.filter(|hour| Instant::now() < hour.renewed.opens);
        current.map(|hour| hour.remaining)
    }

    /// Until when nothing may be asked for, if that is so.
    pub(crate) fn closed_until(&self) -> Option<DateTime<Utc>> {
        let closed = self.state.get().closed_to(Kind::Read);
        closed.map(|closed| closed.until)
    }

    /// Until when the limit ended work with this credential, if it did.
    pub(crate) fn ended_until(&self) -> Option<DateTime<Utc>> {
        self.state.get().ended_until
    }
}
