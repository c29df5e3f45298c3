//! What the user wants done about failed deliveries, and when the step fails.

use chrono::TimeDelta;

use super::Filter;

/// What the user wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Which deliveries.
    pub filter: Filter,
    /// Only those first attempted so long ago at most.
    pub max_age: Option<TimeDelta>,
    /// Failed redeliveries, the receiver being up, before a delivery is given up.
    pub max_redeliveries: usize,
    /// First wait between redeliveries. Zero: none at all.
    pub backoff: TimeDelta,
}

/// What makes the step fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailOn {
    /// Only wrong inputs.
    Never,
    /// Something could not be read or asked for.
    Error,
    /// That, or something was lost, or soon will be.
    Lost,
    /// That, or something is left to do.
    Open,
}
