//! Finds webhook deliveries that failed, has GitHub redeliver them, and reports the outcome.
//!
//! # Layout
//! In the order of the data. Modules marked * are pure: no I/O, and time is an argument.
//!
//! | module | purpose |
//! |---|---|
//! | `run` | environment -> inputs -> pass -> exit code |
//! | [`inputs`] * | `INPUT_*` and the runner's variables -> one validated struct |
//! | [`pass`] | the whole pass on one page: read this next |
//! | [`model`] * | webhooks, deliveries, outcomes, policy: the nouns of all that follows |
//! | [`github`] | all HTTP code |
//! | [`discover`] | finds the webhooks |
//! | [`read`] | a webhook's delivery log -> the deliveries that failed |
//! | [`decide`] * | failed deliveries, policy and the time -> which to redeliver, when, and how many at once |
//! | [`redeliver`] | requests redeliveries in waves and confirms each |
//! | [`remember`] | the checkpoint and the state for the next pass |
//! | [`report`] * | the outcome of a pass, as data |
//! | [`tell`] | the report as log, step outputs, JSON and job summary |
//!
//! Below all of them: [`text`] *, [`secrets`] (text without known secrets), [`mod@file`], [`stop`] (time limit and
//! cancellation), [`signals`], `lock` and [`watched`].

pub mod decide;
pub mod discover;
pub mod file;
pub mod github;
#[cfg(test)]
#[path = "../tests/hostile.rs"]
mod hostile;
pub mod inputs;
mod lock;
pub mod model;
pub mod pass;
pub mod read;
pub mod redeliver;
pub mod remember;
pub mod report;
mod run;
pub mod secrets;
pub mod signals;
pub mod stop;
pub mod tell;
pub mod text;
pub mod watched;

pub use run::{conclude, run, run_with};
