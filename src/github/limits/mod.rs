//! GitHub's limits, and how fast a pass may go.

pub(super) mod budget;
pub(super) mod gate;
pub(super) mod meter;
pub(super) mod pace;
pub(super) mod rate_limit;
pub(super) mod request_kind;
