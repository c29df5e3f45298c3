//! Connections, requests and their answers.

pub(super) mod buffers;
pub(super) mod coding;
pub(super) mod connect;
pub(super) mod end_of_api;
pub(super) mod exchange;
pub(super) mod path;
pub(super) mod request;
pub(super) mod retry;
pub(super) mod shared;
