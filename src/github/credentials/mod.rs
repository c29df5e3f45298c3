//! Tokens, a GitHub App's key, and the clients that use them.

pub(super) mod access;
pub(super) mod app;
pub(super) mod auth;
pub(super) mod clients;
pub(super) mod installation;
mod token;
