//! Decides what to do with each failed delivery, and how many to redeliver at once.

pub mod plan;
pub mod wave;
