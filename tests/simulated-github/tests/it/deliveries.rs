//! The delivery log.

use chrono::TimeDelta;
use serde_json::{Value, json};
use simulated_github::{Attempt, Links, guid};

use crate::client::World;

fn guids(page: &Value) -> Vec<String> {
    page.as_array()
        .unwrap()
        .iter()
        .map(|row| row["guid"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn a_log_is_paged_newest_first_and_the_last_page_has_no_next() {
    let world = World::new();
    let hook = world.webhook(250);
    let mut seen = Vec::new();
    let mut sizes = Vec::new();
    let mut next = Some(format!("/orgs/acme/hooks/{hook}/deliveries?per_page=100"));
    while let Some(url) = next {
        let got = world.get(&url);
        assert_eq!(got.status, 200);
        let page = guids(&got.json());
        sizes.push(page.len());
        seen.extend(page);
        next = got.link("next");
    }
    assert_eq!(sizes, [100, 100, 50]);
    let expected: Vec<String> = (1..=250).rev().map(guid).collect();
    assert_eq!(seen, expected);
    world.assert_as_described();
}

#[test]
fn a_next_link_has_the_clients_host_and_a_cursor() {
    let world = World::new();
    let hook = world.webhook(3);
    let got = world.get(&format!("/orgs/acme/hooks/{hook}/deliveries?per_page=2"));
    let last = got.json()[1]["id"].as_u64().unwrap();
    let url = world.simulator.url();
    let expected = format!(
        "<{url}/orgs/acme/hooks/{hook}/deliveries?per_page=2&cursor=v1_{last}>; rel=\"next\""
    );
    assert_eq!(got.header("link"), Some(expected.as_str()));
}

#[test]
fn links_may_name_another_host_and_the_owners_number() {
    let world = World::new();
    let hook = world.webhook(3);
    world.simulator.github().links = Links {
        root: Some("http://inner:8080/api/v3".into()),
        by_number: true,
    };
    let mut path = format!("/orgs/acme/hooks/{hook}/deliveries?per_page=1");
    for _ in 0..2 {
        let got = world.get(&path);
        let link = got.link("next").unwrap();
        let below = link.strip_prefix("http://inner:8080/api/v3").unwrap();
        assert!(below.starts_with("/organizations/1/hooks/"), "{below}");
        below.clone_into(&mut path);
    }
    assert_eq!(world.get(&path).link("next"), None);
    world.assert_as_described();
}

#[test]
fn a_page_has_30_rows_unless_asked_and_100_at_most() {
    let world = World::new();
    let hook = world.webhook(101);
    let path = format!("/orgs/acme/hooks/{hook}/deliveries");
    let rows = |query: &str| {
        world
            .get(&format!("{path}{query}"))
            .json()
            .as_array()
            .unwrap()
            .len()
    };
    assert_eq!(rows(""), 30);
    assert_eq!(rows("?per_page=1000"), 100);
    assert_eq!(rows("?per_page=0"), 30);
}

#[test]
fn rows_logged_while_paging_do_not_shift_the_next_page() {
    let world = World::new();
    let hook = world.webhook(4);
    let first = world.get(&format!("/orgs/acme/hooks/{hook}/deliveries?per_page=2"));
    let now = world.clock.now();
    world
        .simulator
        .github()
        .webhook_mut(hook)
        .log(Attempt::ok(guid(9), now));
    let second = world.get(&first.link("next").unwrap());
    assert_eq!(guids(&second.json()), [guid(2), guid(1)]);
}

#[test]
fn a_cursor_github_did_not_give_is_refused() {
    let world = World::new();
    let hook = world.webhook(3);
    for cursor in ["v1_17", "17", "", "v2_x"] {
        let got = world.get(&format!(
            "/orgs/acme/hooks/{hook}/deliveries?cursor={cursor}"
        ));
        assert_eq!(got.status, 422, "{cursor}");
    }
    world.assert_as_described();
}

#[test]
fn the_status_filter_goes_by_code() {
    let world = World::new();
    let hook = world.webhook(0);
    let now = world.clock.now();
    for (n, code) in [200, 302, 399, 400, 503, 599, 0].into_iter().enumerate() {
        let attempt = Attempt::ok(
            guid(n as u64),
            now + TimeDelta::seconds(1) * i32::try_from(n).unwrap(),
        );
        world
            .simulator
            .github()
            .webhook_mut(hook)
            .log(attempt.with_status("x", code));
    }
    let codes = |status: &str| -> Vec<i64> {
        let got = world.get(&format!(
            "/orgs/acme/hooks/{hook}/deliveries?status={status}"
        ));
        got.json()
            .as_array()
            .unwrap()
            .iter()
            .map(|row| row["status_code"].as_i64().unwrap())
            .collect()
    };
    assert_eq!(codes("success"), [399, 302, 200]);
    assert_eq!(codes("failure"), [599, 503, 400]);
    let odd = world.get(&format!("/orgs/acme/hooks/{hook}/deliveries?status=broken"));
    assert_eq!(odd.status, 422);
}

#[test]
fn a_filtered_log_is_paged_with_its_filter() {
    let world = World::new();
    let hook = world.webhook(3);
    let path = format!("/orgs/acme/hooks/{hook}/deliveries?status=success&per_page=2");
    let next = world.get(&path).link("next").unwrap();
    assert!(next.contains("status=success"), "{next}");
    assert_eq!(guids(&world.get(&next).json()), [guid(1)]);
}

#[test]
fn a_row_has_the_fields_and_the_order_of_githubs() {
    let world = World::new();
    let (hook, id) = world.failed_attempt();
    let got = world.get(&format!("/orgs/acme/hooks/{hook}/deliveries"));
    let expected = format!(
        "[{{\"id\":{id},\"guid\":\"{}\",\"delivered_at\":\"2026-05-28T19:26:40Z\",\"redelivery\":false,\"duration\":0.27,\
         \"status\":\"Invalid HTTP Response: 503\",\"status_code\":503,\"event\":\"push\",\"action\":null,\
         \"installation_id\":null,\"repository_id\":1296269,\"throttled_at\":null}}]",
        guid(1)
    );
    assert_eq!(String::from_utf8(got.body.to_vec()).unwrap(), expected);
    assert!(id > 1 << 53);
}

#[test]
fn a_shuffled_log_has_the_same_rows_on_the_same_pages() {
    let world = World::new();
    let hook = world.webhook(20);
    let path = format!("/orgs/acme/hooks/{hook}/deliveries?per_page=10");
    let straight = world.get(&path);
    world.simulator.github().shuffled = true;
    let shuffled = world.get(&path);
    assert_eq!(shuffled.header("link"), straight.header("link"));
    let (mut a, mut b) = (guids(&straight.json()), guids(&shuffled.json()));
    assert_ne!(a, b);
    a.sort();
    b.sort();
    assert_eq!(a, b);
}

#[test]
fn a_row_nobody_can_parse_is_served_as_it_is_and_not_judged() {
    let world = World::new();
    let hook = world.webhook(1);
    let now = world.clock.now();
    let id = world
        .simulator
        .github()
        .webhook_mut(hook)
        .log(Attempt::ok(guid(7), now).raw(json!({ "id": "seven" })));
    let got = world.get(&format!("/orgs/acme/hooks/{hook}/deliveries"));
    assert_eq!(got.json()[0], json!({ "id": "seven" }));
    assert_eq!(
        world
            .get(&format!("/orgs/acme/hooks/{hook}/deliveries/{id}"))
            .json(),
        json!({ "id": "seven" })
    );
    assert!(
        world
            .simulator
            .github()
            .requests()
            .iter()
            .all(|exchange| exchange.faulted)
    );
    world.assert_as_described();
}

#[test]
fn a_late_row_is_in_the_log_only_from_its_time_on() {
    let world = World::new();
    let hook = world.webhook(1);
    let late = world.clock.now() + TimeDelta::minutes(3);
    let attempt = Attempt::failed(guid(8), world.clock.now() - TimeDelta::minutes(10));
    let id = world
        .simulator
        .github()
        .webhook_mut(hook)
        .log_late(attempt, late);
    let path = format!("/orgs/acme/hooks/{hook}/deliveries");
    assert_eq!(guids(&world.get(&path).json()), [guid(1)]);
    assert_eq!(world.get(&format!("{path}/{id}")).status, 404);
    world.clock.advance(TimeDelta::minutes(3));
    assert_eq!(guids(&world.get(&path).json()), [guid(1), guid(8)]);
    assert_eq!(world.get(&format!("{path}/{id}")).status, 200);
}

#[test]
fn one_delivery_shows_what_was_sent() {
    let world = World::new();
    let hook = world.webhook(0);
    let attempt = Attempt::ok(guid(1), world.clock.now()).event("pull_request", Some("opened"));
    let id = world.simulator.github().webhook_mut(hook).log(attempt);
    let delivery = world
        .get(&format!("/orgs/acme/hooks/{hook}/deliveries/{id}"))
        .json();
    assert_eq!(delivery["url"], "https://ci.example.com/hook");
    assert_eq!(
        delivery["request"]["headers"]["X-GitHub-Delivery"],
        json!(guid(1))
    );
    assert_eq!(delivery["request"]["payload"]["action"], "opened");
    world.assert_as_described();
}
