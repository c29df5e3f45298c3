//! The user's policy: how to treat failed deliveries, and the conditions that make the step fail.

use std::time::Duration;

use chrono::TimeDelta;

use super::Filter;

/// Longest wait between redeliveries of a delivery. The README repeats it.
pub const LONGEST_BACKOFF: TimeDelta = TimeDelta::hours(1);

/// The user's rules for failed deliveries. Nothing in it is secret, so that reports may show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// The deliveries to redeliver.
    pub filter: Filter,
    /// Older failures are left alone.
    pub max_age: Option<TimeDelta>,
    /// A delivery is given up after this many failed redeliveries while its receiver was up.
    pub max_redeliveries: usize,
    /// First wait between redeliveries of a delivery, which doubles each time, up to [`LONGEST_BACKOFF`]. Zero for no wait.
    pub backoff: TimeDelta,
    /// Most redeliveries per minute.
    pub max_per_minute: u32,
    /// Longest wait for the outcomes of each wave. Zero to not wait for them.
    pub confirm_timeout: Duration,
    /// Longest pass.
    pub time_limit: Duration,
}

/// The defaults of the inputs. `action.yml` and the README repeat them.
impl Default for Policy {
    fn default() -> Self {
        Self {
            filter: Filter::default(),
            max_age: None,
            max_redeliveries: 10,
            backoff: TimeDelta::minutes(5),
            max_per_minute: 140,
            confirm_timeout: Duration::from_secs(60),
            time_limit: Duration::from_secs(30 * 60),
        }
    }
}

/// When the step fails. Wrong inputs, a cancellation, a bug and outputs that can't be written always fail it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FailOn {
    /// Nothing else.
    Never,
    /// Something could not be read or requested.
    Error,
    /// An error, or something was lost or soon will be.
    #[default]
    Lost,
    /// The same, or something is left to do.
    Open,
}
