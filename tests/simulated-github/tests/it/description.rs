//! Checks against GitHub's description find errors.

use http::Method;
use serde_json::json;
use simulated_github::{Attempt, Description, Exchange, guid};

use crate::client::World;

/// An exchange that is as described: one page of a log with one row.
fn page() -> Exchange {
    let world = World::new();
    let hook = world.webhook(0);
    let now = world.clock.now();
    world
        .simulator
        .github()
        .webhook_mut(hook)
        .log(Attempt::ok(guid(1), now));
    world.get(&format!("/orgs/acme/hooks/{hook}/deliveries?per_page=100"));
    let exchange = world.simulator.github().requests()[0].clone();
    check(&exchange).unwrap();
    exchange
}

fn check(exchange: &Exchange) -> Result<(), String> {
    Description::github_com().check(exchange, "")
}

/// The complaint about an exchange after `change`.
fn complaint(change: impl FnOnce(&mut Exchange)) -> String {
    let mut exchange = page();
    change(&mut exchange);
    check(&exchange).unwrap_err()
}

#[test]
fn a_complaint_names_method_and_path() {
    let complaint = complaint(|exchange| exchange.path_and_query = "/orgs/acme/hoks".to_owned());
    assert_eq!(
        complaint,
        "GET /orgs/acme/hoks: the path is not in GitHub's description"
    );
}

#[test]
fn methods_and_parameters_must_be_described() {
    assert!(complaint(|exchange| exchange.method = "PUT".to_owned()).contains("no such method"));
    let with = |query: &'static str| {
        complaint(move |exchange| {
            exchange.path_and_query = format!("/orgs/acme/hooks/1/deliveries?{query}")
        })
    };
    assert!(with("page=2").contains("`page` is not a parameter of the query"));
    assert!(with("per_page=many").contains("`per_page` is not a number"));
    assert!(with("status=broken").contains("`status` cannot be `broken`"));
    let in_path =
        complaint(|exchange| exchange.path_and_query = "/orgs/acme/hooks/x/deliveries".to_owned());
    assert!(in_path.contains("`hook_id` is not a number"), "{in_path}");
}

#[test]
fn the_answers_body_must_match() {
    let with = |body: serde_json::Value| {
        complaint(move |exchange| exchange.answer = body.to_string().into())
    };
    assert!(with(json!({})).contains("answer 200"));
    assert!(with(json!([{ "id": 1 }])).contains("\"guid\" is a required property"));
    let mut row = serde_json::to_value(Attempt::ok(guid(1), chrono::DateTime::UNIX_EPOCH)).unwrap();
    row["delivered_at"] = json!("yesterday");
    assert!(with(json!([row])).contains("/0/delivered_at"));
    row["delivered_at"] = json!("2026-05-28T19:26:40Z");
    row["status"] = json!(null);
    assert!(with(json!([row])).contains("/0/status"));
    assert!(complaint(|exchange| exchange.answer = "x".into()).contains("not JSON"));
}

#[test]
fn the_status_must_be_described_or_a_common_error() {
    assert!(
        complaint(|exchange| exchange.status = 201).contains("the status 201 is not described")
    );
    let mut exchange = page();
    exchange.status = 503;
    exchange.answer = json!({ "message": "later" }).to_string().into();
    check(&exchange).unwrap();
    exchange.answer = json!({ "message": 1 }).to_string().into();
    assert!(check(&exchange).unwrap_err().contains("/message"));
}

#[test]
fn an_answer_that_was_faulted_or_not_recorded_is_not_judged_but_its_request_is() {
    let mut exchange = page();
    exchange.answer = "x".into();
    exchange.faulted = true;
    check(&exchange).unwrap();
    exchange.faulted = false;
    exchange.answer_recorded = false;
    check(&exchange).unwrap();
    exchange.faulted = true;
    exchange.path_and_query += "&x=1";
    assert!(
        check(&exchange)
            .unwrap_err()
            .contains("`x` is not a parameter")
    );
}

#[test]
fn the_requests_body_must_match() {
    let world = World::new();
    let variables = "/repos/acme/ops/actions/variables";
    world.post(variables, Some(json!({ "name": "A", "value": 1 })));
    world.post(variables, None);
    world.send(
        Method::PATCH,
        &format!("{variables}/A"),
        Some(json!({ "value": "2" })),
    );
    let (hook, id) = world.failed_attempt();
    world.post(
        &format!("/orgs/acme/hooks/{hook}/deliveries/{id}/attempts"),
        Some(json!({})),
    );
    let github = world.simulator.github();
    let results: Vec<_> = github.requests().iter().map(check).collect();
    assert!(
        results[0]
            .as_ref()
            .unwrap_err()
            .contains("request at `/value`")
    );
    assert!(
        results[1]
            .as_ref()
            .unwrap_err()
            .contains("the request has no body")
    );
    assert_eq!(results[2], Ok(()));
    assert!(
        results[3]
            .as_ref()
            .unwrap_err()
            .contains("none is described")
    );
}

#[test]
fn a_path_outside_the_base_is_found_out() {
    let problem = Description::enterprise_server()
        .check(&page(), "/api/v3")
        .unwrap_err();
    assert!(problem.contains("not below `/api/v3`"), "{problem}");
}
