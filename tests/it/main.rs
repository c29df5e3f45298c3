//! Passes against a simulated GitHub: in this process and in virtual time, or as the real executable over real HTTP where
//! sockets, signals, files or arguments matter.
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
mod cancel;
mod checkpoint;
mod checkpoint_file;
mod cost;
mod crash;
mod credential_kinds;
mod decisions;
mod discovery;
mod docs_script;
mod documents;
mod errors;
mod files;
mod first_pass;
mod gates;
mod in_process;
mod inputs;
mod limits;
mod links;
mod network;
mod outage;
mod output;
mod page_size;
mod panics;
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
mod run_result;
mod secrets;
mod server;
mod state;
mod tls;
mod unclear;
mod unread;
mod unreadable;
mod virtual_time;
mod virtual_world;
mod waves;
mod webhooks;
mod weeks;
mod wire;
mod world;
