//! The real executable against a simulated GitHub, over real HTTP.
//!
//! With `REDELIVER_IMAGE` set, every test starts that container as the runner would, with the engine
//! and flags in `REDELIVER_ENGINE` and `REDELIVER_RUN_FLAGS`, instead of the executable.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

mod advice;
mod api_version;
mod app;
mod bugs;
mod cancel;
mod checkpoint;
mod checkpoint_file;
mod cloud;
mod cost;
mod crash;
mod decisions;
mod discovery;
mod docs_script;
mod documents;
mod ended;
mod errors;
mod files;
mod first_pass;
mod gates;
mod in_process;
mod inputs;
mod kinds;
mod limits;
mod links;
mod network;
mod outage;
mod output;
mod page_size;
mod permissions;
mod policy;
mod progress;
mod raw_server;
mod recorded;
mod refusals;
mod refused_first;
mod regressions;
mod repeated_secrets;
mod report;
mod rows;
mod run;
mod secrets;
mod server;
mod state;
mod tls;
mod unclear;
mod unread;
mod unreadable;
mod virtual_time;
mod waves;
mod webhooks;
mod weeks;
mod wire;
mod world;
