//! Reads a webhook's delivery log and folds it into the deliveries that failed.

pub mod evidence;
pub mod fold;
pub mod progress;
pub mod scan;
