//! Connections, requests, responses and retries.

mod coding;
pub(super) mod connect;
mod end_of_api;
pub(super) mod exchange;
pub(super) mod page_size;
pub(super) mod path;
pub(super) mod request;
pub(super) mod retry;
pub(super) mod transport;
