//! The simulation, over real HTTP on loopback.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod access;
mod client;
mod deliveries;
mod description;
mod faults;
mod hooks;
mod performance;
mod program;
mod redelivery;
mod server;
mod variables;
