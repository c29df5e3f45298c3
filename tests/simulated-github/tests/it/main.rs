//! The simulation, over real HTTP on loopback.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod access;
mod app;
mod client;
mod deliveries;
mod description;
mod faults;
mod hooks;
mod installations;
mod limits;
mod minting;
mod performance;
mod program;
mod proxy;
mod random;
mod redelivery;
mod repositories;
mod server;
mod slowness;
mod strictness;
mod tls;
mod tokens;
mod variables;
