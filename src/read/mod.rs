//! Reads a webhook's delivery log: pages become rows, and rows are folded into the deliveries that failed.

pub mod evidence;
pub mod fold;
mod page;
pub mod progress;
mod row;
pub mod scan;

pub use page::{UnreadableRow, rows};
pub use row::{AttemptOutcome, Row};
