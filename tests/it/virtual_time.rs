//! Whole passes within this process, over the tower stack and without sockets: time is virtual, and
//! GitHub is github.com.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use http_body_util::BodyExt;
use hyper::body::{Body, Frame, SizeHint};
use octocrab::OctoBody;
use redeliver_webhooks::actions::Console;
use redeliver_webhooks::github::{ApiBase, Client};
use redeliver_webhooks::inputs::{Environment, Inputs, Runner};
use redeliver_webhooks::pass;
use redeliver_webhooks::report::{Outcome, PassResult, Report};
use simulated_github::{Access, Attempt, GitHub, Owner, Request, Webhook, guid};
use tokio::time::{Instant, Sleep, sleep};

const TOKEN: &str = "ghp_virtual";

/// github.com in this process, whose clock runs with Tokio's.
#[derive(Clone)]
struct Cloud {
    github: Arc<Mutex<GitHub>>,
    hook: u64,
    /// How long headers take, and how much longer bodies.
    latency: Duration,
    body_latency: Duration,
}

fn start() -> DateTime<Utc> {
    "2026-11-22T12:00:00Z".parse().unwrap()
}

impl Cloud {
    fn new() -> Self {
        let began = Instant::now();
        let mut github = GitHub::new();
        github.set_clock(move || start() + TimeDelta::from_std(began.elapsed()).unwrap());
        github.add_organization("acme");
        github.add_repository("acme", "ops");
        github.add_token(TOKEN, Access::admin());
        let owner = Owner::Organization("acme".into());
        let hook = github.add_webhook(owner, Webhook::new("https://ci.example.com"));
        Self {
            github: Arc::new(Mutex::new(github)),
            hook,
            latency: Duration::ZERO,
            body_latency: Duration::ZERO,
        }
    }

    fn log(&self, attempt: Attempt) -> u64 {
        let mut github = self.github.lock().unwrap();
        github.webhook_mut(self.hook).log(attempt)
    }

    async fn respond(self, request: http::Request<OctoBody>) -> http::Response<SlowBody> {
        let (parts, body) = request.into_parts();
        assert_eq!(parts.uri.host(), Some("api.github.com"));
        let body = body.collect().await.unwrap().to_bytes();
        let path = parts.uri.path_and_query().unwrap().as_str();
        let mut request = Request::new(parts.method, path).with_body(body);
        request.headers.extend(parts.headers);
        request
            .headers
            .insert("host", "api.github.com".parse().unwrap());
        self.github.lock().unwrap().enter();
        sleep(self.latency).await;
        let reply = {
            let mut github = self.github.lock().unwrap();
            let reply = github.respond(&request);
            github.leave();
            reply
        };
        let mut response = http::Response::new(SlowBody {
            wait: Box::pin(sleep(self.body_latency)),
            body: Some(reply.body),
        });
        *response.status_mut() = reply.status.try_into().unwrap();
        *response.headers_mut() = reply.headers;
        // GitHub's links are https; the simulator knows only that it is asked.
        if let Some(link) = response.headers_mut().get_mut("link") {
            let https = link.to_str().unwrap().replace("http://", "https://");
            *link = https.parse().unwrap();
        }
        response
    }

    async fn pass(&self, more: &[(&str, &str)]) -> Report {
        self.pass_with_our_clock(start(), more).await
    }

    async fn pass_with_our_clock(&self, ours: DateTime<Utc>, more: &[(&str, &str)]) -> Report {
        let inputs = inputs(more);
        let console = Console::new(&Runner::default(), std::io::sink());
        let cloud = self.clone();
        let service = tower::service_fn(move |request| {
            let cloud = cloud.clone();
            async { Ok::<_, Infallible>(cloud.respond(request).await) }
        });
        let base = ApiBase::default();
        let client = Client::over(service, &base, &inputs.token, &console, ours).unwrap();
        pass::run(&inputs, &client, &console).await
    }
}

fn inputs(more: &[(&str, &str)]) -> Inputs {
    let mut variables = vec![
        ("INPUT_TOKEN", TOKEN),
        ("INPUT_ORGANIZATION", "acme"),
        ("INPUT_CHECKPOINT_VARIABLE", "LAST_REDELIVERY"),
        ("GITHUB_REPOSITORY", "acme/ops"),
    ];
    variables.extend(more);
    let variables = variables
        .into_iter()
        .map(|(key, value)| (key.into(), value.into()));
    Environment::new(variables).inputs(start()).unwrap()
}

/// A body that arrives later than its headers.
struct SlowBody {
    wait: Pin<Box<Sleep>>,
    body: Option<Bytes>,
}

impl Body for SlowBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match self.wait.as_mut().poll(context) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(()) => Poll::Ready(self.body.take().map(|body| Ok(Frame::data(body)))),
        }
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}

#[tokio::test(start_paused = true)]
async fn github_com_redelivers_for_three_days() {
    let cloud = Cloud::new();
    let since = ("INPUT_SINCE", "7d");
    let inside = cloud.log(Attempt::failed(guid(1), start() - TimeDelta::hours(71)));
    cloud.log(Attempt::failed(guid(2), start() - TimeDelta::hours(73)));
    cloud.log(Attempt::failed(guid(3), start() - TimeDelta::hours(73)));
    cloud.log(Attempt::failed(guid(3), start() - TimeDelta::hours(1)).redelivery());
    let report = cloud.pass(&[since]).await;
    assert_eq!(report.errors, [""; 0]);
    assert_eq!(cloud.github.lock().unwrap().requested(cloud.hook), [inside]);
    assert_eq!(report.count(|outcome| outcome == Outcome::Expired), 1);
    assert_eq!(report.result(), PassResult::Lost);
    assert!(
        report.warnings[0].contains("older than the 3 days"),
        "{:?}",
        report.warnings
    );
}

#[tokio::test(start_paused = true)]
async fn windows_and_checkpoints_go_by_githubs_clock() {
    let cloud = Cloud::new();
    let inside = cloud.log(Attempt::failed(guid(1), start() - TimeDelta::hours(23)));
    cloud.log(Attempt::failed(guid(2), start() - TimeDelta::hours(25)));
    let report = cloud
        .pass_with_our_clock(start() + TimeDelta::hours(5), &[])
        .await;
    assert_eq!(cloud.github.lock().unwrap().requested(cloud.hook), [inside]);
    assert_eq!(
        (report.began, report.checkpoint),
        (Some(start()), Some(start()))
    );

    let report = cloud
        .pass_with_our_clock(start() - TimeDelta::days(5), &[])
        .await;
    assert_eq!(report.result(), PassResult::Healthy);
}

#[tokio::test(start_paused = true)]
async fn the_next_page_is_asked_for_before_the_current_one_is_read() {
    let mut cloud = Cloud::new();
    for n in 0..2_000 {
        cloud.log(Attempt::ok(guid(n), start() - TimeDelta::seconds(n as i64)));
    }
    cloud.latency = Duration::from_millis(100);
    cloud.body_latency = Duration::from_millis(50);
    let began = Instant::now();
    let report = cloud.pass(&[]).await;
    assert_eq!(report.scanned(), 2_000);
    // The lists at the start, 20 pages, and the checkpoint at the end; bodies add to the first of
    // each chain and to the last.
    let least = Duration::from_millis(22 * 100);
    let took = began.elapsed();
    assert!(
        took >= least && took <= least + Duration::from_millis(250),
        "{took:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_pass_that_needs_one_page_asks_for_one() {
    let cloud = Cloud::new();
    for n in 0..2_000 {
        cloud.log(Attempt::ok(
            guid(n),
            start() - TimeDelta::hours(25 + n as i64),
        ));
    }
    let report = cloud.pass(&[]).await;
    assert_eq!(report.webhooks[0].pages, 1);
    assert_eq!(
        report.requests, 4,
        "two at the start, one page, the checkpoint"
    );
}

#[tokio::test(start_paused = true)]
async fn headers_that_never_come_end_the_wait() {
    let mut cloud = Cloud::new();
    cloud.latency = Duration::from_secs(31);
    let report = cloud.pass(&[]).await;
    assert!(
        report.errors[0].contains("no headers within 30 s"),
        "{:?}",
        report.errors
    );

    let mut cloud = Cloud::new();
    cloud.body_latency = Duration::from_secs(61);
    let report = cloud.pass(&[]).await;
    assert!(
        report.errors[0].contains("its body did not end within 60 s"),
        "{:?}",
        report.errors
    );
}

#[tokio::test(start_paused = true)]
async fn five_hundred_webhooks_are_read_sixteen_at_a_time() {
    let mut cloud = Cloud::new();
    for _ in 0..499 {
        let owner = Owner::Organization("acme".into());
        let mut github = cloud.github.lock().unwrap();
        github.add_webhook(owner, Webhook::new("https://ci.example.com"));
    }
    cloud.latency = Duration::from_millis(100);
    let began = Instant::now();
    let report = cloud.pass(&[]).await;
    assert_eq!(report.webhooks.len(), 500);
    assert_eq!(cloud.github.lock().unwrap().most_in_flight(), 16);
    // Five pages of webhooks, 500 logs sixteen at a time, one checkpoint.
    let expected = Duration::from_millis((5 + 500_u64.div_ceil(16) + 1) * 100);
    let took = began.elapsed();
    assert!(
        took >= expected && took <= expected + Duration::from_millis(200),
        "{took:?}"
    );
}
