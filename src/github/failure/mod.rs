//! Errors whose texts name the next step.

pub(super) mod advice;
pub(super) mod error;
pub(super) mod message;
mod old_server;
mod permission;
pub(super) mod refusal;
pub(super) mod request_error;
pub(super) mod subject;
