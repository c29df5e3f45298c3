//! Errors, in words that name the next step.

pub(super) mod advice;
pub(super) mod error;
pub(super) mod message;
pub(super) mod permission;
pub(super) mod refusal;
