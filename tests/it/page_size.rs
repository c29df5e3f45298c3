//! Pages of a log that GitHub can't make: fewer rows are requested.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use http::Method;
use simulated_github::{Attempt, Fault, GitHub, Receiver, Request, guid};

use crate::cloud::{Alters, Cloud, Fate, Hears, Way, start};
use crate::harness::{World, ago};
use redeliver_webhooks::github::RequestError;
use redeliver_webhooks::model::PassResult;

/// The page sizes with which the log was read, in order.
fn sizes(github: &GitHub) -> Vec<u64> {
    let requests = github.requests().iter();
    let logs = requests.filter(|made| made.path_and_query.contains("/deliveries?"));
    let size = |path: &str| {
        let (_, size) = path.split_once("per_page=")?;
        size.split('&').next()?.parse().ok()
    };
    logs.map(|made| size(&made.path_and_query).unwrap())
        .collect()
}

fn too_long(rows: u64) -> Fault {
    let pages = format!("/deliveries?per_page={rows}");
    Fault::on("GET", &pages).always()
}

#[test]
fn a_log_whose_pages_of_100_fail_is_read_and_confirmed_with_pages_of_50() {
    let world = World::new();
    world.log_healthy(230, 5);
    let failed = world.log(Attempt::failed(guid(1), ago(10 * 60)));
    world
        .simulator
        .github()
        .add_fault(too_long(100).status(502, "<html>"));
    let ended = world.pass().run().success();
    ended.outputs(&["result=recovered", "scanned=231"]);
    assert_eq!(world.redelivered(), [failed]);
    let sizes = sizes(&world.simulator.github());
    let (first, rest) = sizes.split_at(2);
    assert_eq!(first, [100, 100]);
    assert!(rest.iter().all(|size| *size == 50), "{sizes:?}");
    assert!(rest.len() > 5, "five pages, and one at least to confirm");
}

/// A transport that fails each page of a log above some size in its own way.
struct Above {
    most: AtomicU64,
    hears: Mutex<Hears>,
}

impl Way for Above {
    fn fate(&self, _: &Method, path: &str) -> Fate {
        let size = path.split_once("per_page=").map(|(_, size)| size);
        let size = size.and_then(|size| size.split('&').next()?.parse().ok());
        let most = self.most.load(Ordering::Relaxed);
        let too_long = path.contains("/deliveries?") && size > Some(most);
        Fate {
            acts: true,
            hears: match too_long {
                true => self.hears.lock().unwrap().clone(),
                false => Hears::All,
            },
            alters: Alters::default(),
        }
    }

    fn acted(&self, _: &mut GitHub, _: &Request, _: u16, _: &Fate) {}

    fn ends(&self) {}
}

/// A log of 120 rows with one failure at its end, whose pages above `most` fail.
fn cloud(most: u64, hears: Hears) -> Cloud {
    let mut cloud = Cloud::new();
    cloud.way = Some(std::sync::Arc::new(Above {
        most: most.into(),
        hears: hears.into(),
    }));
    for n in 0..119 {
        cloud.log(Attempt::ok(
            guid(1_000 + n),
            start() - chrono::TimeDelta::seconds(n as i64),
        ));
    }
    cloud.log(Attempt::failed(
        guid(1),
        start() - chrono::TimeDelta::hours(1),
    ));
    cloud.set_receiver(Receiver::up());
    cloud
}

#[tokio::test(start_paused = true)]
async fn of_six_tries_two_are_at_100_two_at_50_and_the_rest_at_25() {
    let unclear = |why: &str| Hears::Error(RequestError::Unclear(why.into()));
    for hears in [
        Hears::Status(500, "{}"),
        Hears::Status(502, "<html>"),
        Hears::Status(503, "{}"),
        Hears::Status(504, ""),
        Hears::Status(408, "{}"),
        Hears::Nothing,
        Hears::Status(200, r#"[{"id":1,"#),
        unclear("connection reset"),
    ] {
        let cloud = cloud(25, hears.clone());
        let report = cloud.pass(&[]).await;
        assert_eq!(
            report.result(),
            PassResult::Recovered,
            "{hears:?} {:?}",
            report.errors
        );
        assert_eq!(report.scanned(), 120, "{hears:?}");
        let sizes = sizes(&cloud.github());
        assert_eq!(sizes[..4], [100, 100, 50, 50], "{hears:?}");
        assert!(sizes[4..].iter().all(|size| *size == 25), "{sizes:?}");

        let cloud = self::cloud(0, hears.clone());
        let report = cloud.pass(&[]).await;
        assert_eq!(report.result(), PassResult::Error, "{hears:?}");
        let sizes = self::sizes(&cloud.github());
        assert_eq!(sizes, [100, 100, 50, 50, 25, 25], "{hears:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_that_found_no_connection_says_nothing_of_the_page() {
    let cloud = cloud(0, Hears::Error(RequestError::Unsent("refused".into())));
    cloud.pass(&[]).await;
    assert_eq!(sizes(&cloud.github()), [100; 6]);
}

#[tokio::test(start_paused = true)]
async fn one_webhooks_page_size_is_no_other_ones() {
    let cloud = cloud(50, Hears::Status(502, ""));
    let other = cloud.add_webhook("https://other.example.com");
    let fault = Fault::on("GET", &format!("{other}/deliveries?per_page=50")).always();
    cloud.github().add_fault(fault.status(502, ""));
    let report = cloud.pass(&[]).await;
    assert_eq!(
        report.result(),
        PassResult::Recovered,
        "{:?}",
        report.errors
    );
    let github = cloud.github();
    let requests = github.requests().iter();
    let ours = format!("{}/deliveries?per_page=25", cloud.hook);
    assert!(
        requests
            .clone()
            .all(|made| !made.path_and_query.contains(&ours))
    );
    let theirs = format!("{other}/deliveries?per_page=25");
    assert_eq!(
        requests
            .filter(|made| made.path_and_query.contains(&theirs))
            .count(),
        1
    );
}

#[test]
fn only_the_page_size_of_a_link_is_replaced() {
    let world = World::new();
    world.log_healthy(150, 5);
    let first = world.served()[0].last().unwrap().id;
    let path = format!("/orgs/acme/hooks/{}/deliveries", world.hook);
    for (query, sized) in [
        (
            format!("cursor=v1_{first}&per_page=100&status=success"),
            format!("cursor=v1_{first}&per_page=50&status=success"),
        ),
        (
            format!("status=success&cursor=v1_{first}"),
            format!("status=success&cursor=v1_{first}&per_page=50"),
        ),
    ] {
        let mut github = world.simulator.github();
        github.clear_faults();
        let link = format!("http://inner{path}?{query}");
        github.add_fault(Fault::on("GET", "/deliveries?per_page=100").link_next(&link));
        github.add_fault(Fault::on("GET", &query).times(2).status(504, ""));
        drop(github);
        let run = world.bare_pass().input("since", "1d");
        run.run()
            .success()
            .outputs(&["result=healthy", "scanned=150"]);
        let github = world.simulator.github();
        let pages = github.requests().iter().map(|made| &made.path_and_query);
        let pages: Vec<_> = pages.filter(|page| page.contains("cursor=")).collect();
        let (link, sized) = (format!("{path}?{query}"), format!("{path}?{sized}"));
        assert_eq!(pages[pages.len() - 3..], [&link, &link, &sized]);
    }
}
