//! Pages of a log that GitHub can't make: fewer rows are requested.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use http::Method;
use simulated_github::{Attempt, Fault, GitHub, Receiver, guid};

use crate::virtual_world::{ClientGets, Network, Transfer, VirtualWorld, start};
use crate::world::{World, ago};
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
    client_gets: Mutex<ClientGets>,
}

impl Network for Above {
    fn transfer(&self, _: &Method, path: &str) -> Transfer {
        let size = path.split_once("per_page=").map(|(_, size)| size);
        let size = size.and_then(|size| size.split('&').next()?.parse().ok());
        let most = self.most.load(Ordering::Relaxed);
        let too_long = path.contains("/deliveries?") && size > Some(most);
        let client_gets = match too_long {
            true => self.client_gets.lock().unwrap().clone(),
            false => ClientGets::Response,
        };
        Transfer::failing(true, client_gets)
    }
}

/// A log of 120 rows with one failure at its end, whose pages above `most` fail.
fn world(most: u64, client_gets: ClientGets) -> VirtualWorld {
    let mut world = VirtualWorld::new();
    world.network = Some(std::sync::Arc::new(Above {
        most: most.into(),
        client_gets: client_gets.into(),
    }));
    for n in 0..119 {
        world.log(Attempt::ok(
            guid(1_000 + n),
            start() - chrono::TimeDelta::seconds(n as i64),
        ));
    }
    world.log(Attempt::failed(
        guid(1),
        start() - chrono::TimeDelta::hours(1),
    ));
    world.set_receiver(Receiver::up());
    world
}

#[tokio::test(start_paused = true)]
async fn of_six_tries_two_are_at_100_two_at_50_and_the_rest_at_25() {
    let unclear = |why: &str| ClientGets::Error(RequestError::Unclear(why.into()));
    for client_gets in [
        ClientGets::Status(500, "{}"),
        ClientGets::Status(502, "<html>"),
        ClientGets::Status(503, "{}"),
        ClientGets::Status(504, ""),
        ClientGets::Status(408, "{}"),
        ClientGets::Nothing,
        ClientGets::Status(200, r#"[{"id":1,"#),
        unclear("connection reset"),
    ] {
        let world = world(25, client_gets.clone());
        let report = world.pass(&[]).await;
        assert_eq!(
            report.result(),
            PassResult::Recovered,
            "{client_gets:?} {:?}",
            report.errors
        );
        assert_eq!(report.scanned(), 120, "{client_gets:?}");
        let sizes = sizes(&world.github());
        assert_eq!(sizes[..4], [100, 100, 50, 50], "{client_gets:?}");
        assert!(sizes[4..].iter().all(|size| *size == 25), "{sizes:?}");

        let world = self::world(0, client_gets.clone());
        let report = world.pass(&[]).await;
        assert_eq!(report.result(), PassResult::Error, "{client_gets:?}");
        let sizes = self::sizes(&world.github());
        assert_eq!(sizes, [100, 100, 50, 50, 25, 25], "{client_gets:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_failed_connection_does_not_shrink_the_page() {
    let world = world(0, ClientGets::Error(RequestError::Unsent("refused".into())));
    world.pass(&[]).await;
    assert_eq!(sizes(&world.github()), [100; 6]);
}

#[tokio::test(start_paused = true)]
async fn the_page_size_of_one_webhook_does_not_affect_another() {
    let world = world(50, ClientGets::Status(502, ""));
    let other = world.add_webhook("https://other.example.com");
    let fault = Fault::on("GET", &format!("{other}/deliveries?per_page=50")).always();
    world.github().add_fault(fault.status(502, ""));
    let report = world.pass(&[]).await;
    assert_eq!(
        report.result(),
        PassResult::Recovered,
        "{:?}",
        report.errors
    );
    let github = world.github();
    let requests = github.requests().iter();
    let ours = format!("{}/deliveries?per_page=25", world.hook);
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
