//! One gate for each credential. While GitHub's limits allow no request, all requests with that credential wait, or
//! work with it ends
//! (<https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api>).

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use http::HeaderMap;
use tokio::time::Instant;

use crate::github::clock::{Clock, sound};
use crate::github::limits::budget::Budget;
use crate::github::limits::meter::Remaining;
use crate::github::limits::rate_limit::{FIRST_WAIT, RateLimit};
use crate::github::limits::request_kind::RequestKind;
use crate::stop::StopReason;
use crate::watched::Watched;

/// The longest wait for a limit. If it would take longer, work with the credential ends: the next pass costs less
/// than a runner that sleeps.
pub(crate) const LONGEST_WAIT: Duration = Duration::from_secs(300);

/// GitHub's times are whole seconds.
const SECOND: TimeDelta = TimeDelta::seconds(1);

/// A credential whose limit ended its work.
#[derive(Clone, Debug)]
pub struct LimitEnd {
    /// The credential's name for people: an input, the App or an account.
    pub name: String,
    /// When the limit ends.
    pub until: DateTime<Utc>,
    /// The rest of the hourly limit, if GitHub reported one.
    pub remaining: Option<Remaining>,
}

/// The limits of one credential, and the waits that they impose.
pub(crate) struct Gate {
    /// The credential's name for people: an input, the App or an account.
    name: String,
    budget: Arc<Budget>,
    state: Watched<GateState>,
}

#[derive(Clone, Copy, Default)]
struct GateState {
    /// The wait that GitHub imposed last.
    closure: Option<Closure>,
    /// Number of times that the gate was closed. Responses to requests from before do not close it again.
    closings: u32,
    /// Number of limits in a row for which GitHub named no time.
    untimed: u32,
    /// The points of the last of these requests. The success of a cheaper request does not end the row.
    untimed_points: u32,
    /// The hourly limit, as the newest response reported it.
    hour: Option<HourlyLimit>,
    /// The latest time that ended work with this credential.
    ended_until: Option<DateTime<Utc>>,
}

/// A wait that GitHub imposes.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Closure {
    /// The end of the wait. It stays the same if GitHub's clock is corrected meanwhile.
    opens: Instant,
    /// The end of the wait by GitHub's clock.
    until: DateTime<Utc>,
    /// It takes longer than a pass may wait.
    too_long: bool,
}

/// The hourly limit of a credential.
#[derive(Clone, Copy)]
struct HourlyLimit {
    remaining: Remaining,
    reset: DateTime<Utc>,
    /// The wait until it is renewed.
    renewal: Closure,
}

impl GateState {
    /// The wait before a request of this kind, if there is one.
    fn closure(&self, kind: RequestKind) -> Option<Closure> {
        let is_short = |hour: &HourlyLimit| {
            let Remaining { left, limit } = hour.remaining;
            left <= kind.left_to_others(limit)
        };
        let renewal = self.hour.filter(is_short).map(|hour| hour.renewal);
        let now = Instant::now();
        [self.closure, renewal]
            .into_iter()
            .flatten()
            .filter(|closure| now < closure.opens)
            .max_by_key(|closure| closure.opens)
    }
}

/// Permission to make one request.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Permit {
    /// Number of times that the gate had been closed by then.
    closings: u32,
    /// The points that GitHub counts for the request.
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

    /// The credential's name for people: an input, the App or an account.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Waits until a request of this kind may be made.
    ///
    /// # Errors
    /// The wait is too long, or the pass ends before.
    pub(crate) async fn wait(&self, kind: RequestKind) -> Result<(), StopReason> {
        let stop = self.budget.stop();
        loop {
            if let Some(why) = stop.why() {
                return Err(why);
            }
            if let Err(why) = self.check(kind) {
                // A page that is requested ahead may not be needed. The reader that needs it ends the work.
                if kind != RequestKind::OldRead {
                    self.end(kind);
                }
                return Err(why);
            }
            let Some(closure) = self.state.get().closure(kind) else {
                return Ok(());
            };
            let changed = self
                .state
                .wait_for(|state| (state.closure(kind) != Some(closure)).then_some(()));
            tokio::select! {
                biased;
                slept = stop.sleep_until(closure.opens) => slept?,
                () = changed => {}
            }
        }
    }

    /// Checks that a request of this kind may be made now, or after a wait that is not too long.
    ///
    /// # Errors
    /// The limit does not end in time.
    pub(crate) fn check(&self, kind: RequestKind) -> Result<(), StopReason> {
        match self.state.get().closure(kind) {
            Some(closure) if closure.too_long => Err(StopReason::Limit(closure.until)),
            _ => Ok(()),
        }
    }

    /// Records that work with this credential ends, if a request of this kind may not be made.
    pub(crate) fn end(&self, kind: RequestKind) {
        if let Err(StopReason::Limit(until)) = self.check(kind) {
            self.state
                .change(|state| state.ended_until = state.ended_until.max(Some(until)));
        }
    }

    /// A permit for a request of this kind; `None` if it must wait again.
    pub(crate) fn permit(&self, kind: RequestKind) -> Option<Permit> {
        let state = self.state.get();
        state.closure(kind).is_none().then_some(Permit {
            closings: state.closings,
            points: kind.points(),
        })
    }

    /// Reads the hourly limit from a response's headers.
    pub(crate) fn read_limit(&self, headers: &HeaderMap, clock: &Clock) {
        let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<u64>().ok();
        let limit = number("x-ratelimit-limit");
        self.budget.note_response(limit.is_some());
        let reset = number("x-ratelimit-reset")
            .and_then(|reset| DateTime::from_timestamp(i64::try_from(reset).ok()?, 0))
            .filter(sound);
        let (Some(limit), Some(left), Some(reset)) =
            (limit, number("x-ratelimit-remaining"), reset)
        else {
            return;
        };
        let Some(renewal) = self.closure_until(reset + SECOND, clock) else {
            return;
        };
        self.state.change(|state| {
            // Responses may arrive in another order than GitHub sent them.
            let left = match state.hour {
                Some(hour) if reset < hour.reset => return,
                Some(hour) if reset == hour.reset => left.min(hour.remaining.left),
                _ => left,
            };
            state.hour = Some(HourlyLimit {
                remaining: Remaining { left, limit },
                reset,
                renewal,
            });
        });
    }

    /// Records a success. If its request left before the gate was closed, it proves nothing about the time since.
    pub(crate) fn accepted(&self, permit: Permit) {
        let state = self.state.get();
        let as_costly = permit.points >= state.untimed_points;
        if state.untimed > 0 && as_costly && permit.closings == state.closings {
            self.state.change(|state| state.untimed = 0);
        }
    }

    /// Closes the gate because GitHub refused a request for a limit.
    pub(crate) fn refused(&self, limit: RateLimit, permit: Permit, clock: &Clock) {
        let state = self.state.get();
        // A request that left before the gate was closed reports the same limit once more.
        let again = permit.closings < state.closings;
        let mut untimed = 0;
        let until = match limit {
            RateLimit::Primary(until) | RateLimit::Secondary(Some(until)) => until + SECOND,
            RateLimit::Secondary(None) if again => return,
            RateLimit::Secondary(None) => {
                untimed = state.untimed + 1;
                clock.now() + FIRST_WAIT * 2_i32.saturating_pow(untimed.min(10) - 1)
            }
        };
        let Some(closure) = self.closure_until(until, clock) else {
            return;
        };
        if !again && matches!(limit, RateLimit::Secondary(_)) {
            self.budget.halve();
        }
        self.state.change(|state| {
            state.untimed = untimed;
            state.untimed_points = permit.points;
            state.closings += u32::from(!again);
            if state
                .closure
                .is_none_or(|known| known.opens < closure.opens)
            {
                state.closure = Some(closure);
            }
        });
    }

    /// A wait until this time; `None` if it is over.
    fn closure_until(&self, until: DateTime<Utc>, clock: &Clock) -> Option<Closure> {
        let wait = (until - clock.now()).to_std().ok()?;
        Some(Closure {
            opens: Instant::now() + wait,
            until,
            too_long: wait > LONGEST_WAIT || !self.budget.stop().leaves(wait),
        })
    }

    /// The rest of the hourly limit, if GitHub reported one.
    pub(crate) fn remaining(&self) -> Option<Remaining> {
        let hour = self.state.get().hour;
        hour.filter(|hour| Instant::now() < hour.renewal.opens)
            .map(|hour| hour.remaining)
    }

    /// The end of the current wait, if there is one.
    pub(crate) fn closed_until(&self) -> Option<DateTime<Utc>> {
        let closure = self.state.get().closure(RequestKind::Read);
        closure.map(|closure| closure.until)
    }

    /// The end of the limit that ended work with this credential, if one did.
    pub(crate) fn ended_until(&self) -> Option<DateTime<Utc>> {
        self.state.get().ended_until
    }
}
