//! A run within this process: the pass calls the simulated GitHub without sockets, and time is virtual.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use chrono::{TimeDelta, Utc};
use http_body_util::BodyExt;
use octocrab::OctoBody;
use redeliver_webhooks::github::{Credentials, RequestError};
use redeliver_webhooks::inputs::{Environment, Inputs};
use redeliver_webhooks::report::Report;
use redeliver_webhooks::stop::Stop;
use redeliver_webhooks::tell::console::Console;
use redeliver_webhooks::{pass, run_with};
use simulated_github::{Ending, GitHub, Reply, ReplyBody, Request};
use tokio::time::{Instant, sleep};

use crate::world::World;

/// A log that is kept.
#[derive(Clone, Default)]
struct KeptLog(Arc<Mutex<Vec<u8>>>);

impl Write for KeptLog {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Runs a pass with these variables. Returns whether it succeeded, and its log.
pub(crate) fn run(world: &World, variables: &BTreeMap<String, String>) -> (bool, String) {
    let owned = |(name, value): (&String, &String)| (name.into(), value.into());
    let environment = Environment::new(variables.iter().map(owned));
    let log = KeptLog::default();
    let console = Console::new(environment.runner(), log.clone());
    let succeeded = run_with(environment, &console, |inputs| {
        tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()?
            .block_on(pass(world, inputs, &console))
    });
    let log = log.0.lock().unwrap().clone();
    (succeeded, String::from_utf8(log).unwrap())
}

/// A pass during which GitHub's clock runs with Tokio's.
async fn pass(world: &World, inputs: &Inputs, console: &Console) -> anyhow::Result<Report> {
    let began = Instant::now();
    let stop = Stop::after(inputs.policy.time_limit);
    let start = world.simulator.github().now();
    let elapsed = move || TimeDelta::from_std(began.elapsed()).unwrap();
    let clock = world.simulator.github().take_clock();
    world
        .simulator
        .github()
        .set_clock(move || start + elapsed());
    let github = world.simulator.shared();
    let service = tower::service_fn(move |request| exchange(Arc::clone(&github), request));
    let (credential, access) = (&inputs.credential, inputs.required_access());
    let credentials = Credentials::over(
        service,
        &inputs.api,
        credential,
        access,
        &console.debug_log(),
        &stop,
        Utc::now(),
    )?;
    let report = pass::run(inputs, &credentials, console).await;
    world.simulator.github().set_clock(clock);
    world.pass_time(elapsed());
    Ok(report)
}

/// One request to the simulated GitHub, and the response.
async fn exchange(
    github: Arc<Mutex<GitHub>>,
    request: http::Request<OctoBody>,
) -> Result<http::Response<ReplyBody>, RequestError> {
    let authority = request.uri().authority().unwrap().to_string();
    let mut request = received(request).await;
    request.headers.insert("host", authority.parse().unwrap());
    let (reply, latency) = {
        let mut github = github.lock().unwrap();
        github.enter();
        let mut reply = github.respond(&request);
        if github.compresses {
            reply.compress(&request.headers);
        }
        (reply, github.latency)
    };
    sleep(latency).await;
    let response = sent_back(reply).await;
    github.lock().unwrap().leave();
    response
}

/// A request as the simulated GitHub takes it.
pub(crate) async fn received(request: http::Request<OctoBody>) -> Request {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let path = parts.uri.path_and_query().unwrap().as_str();
    let mut request = Request::new(parts.method, path).with_body(body);
    request.headers.extend(parts.headers);
    request
}

/// Sends a reply back as the server would: late, cut or not at all.
pub(crate) async fn sent_back(reply: Reply) -> Result<http::Response<ReplyBody>, RequestError> {
    if !reply.header_delay.is_zero() {
        sleep(reply.header_delay).await;
    }
    match reply.ending {
        Ending::Whole | Ending::CutBody | Ending::EndlessBody => Ok(reply.into_response()),
        Ending::Reset | Ending::ResetMidHeaders => {
            Err(RequestError::Unclear("connection reset".into()))
        }
        Ending::Hang => std::future::pending().await,
    }
}
