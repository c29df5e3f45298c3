//! Actions variables of a repository.

use chrono::TimeDelta;
use http::Method;
use serde_json::{Value, json};

use crate::client::{Got, World};

const VARIABLES: &str = "/repos/acme/ops/actions/variables";

fn create(world: &World, name: &str, value: &str) -> Got {
    world.post(VARIABLES, Some(json!({ "name": name, "value": value })))
}

fn update(world: &World, name: &str, body: Value) -> u16 {
    world
        .send(Method::PATCH, &format!("{VARIABLES}/{name}"), Some(body))
        .status
}

#[test]
fn a_variable_is_made_shown_changed_and_deleted() {
    let world = World::new();
    assert_eq!(world.get(&format!("{VARIABLES}/cursor")).status, 404);
    assert_eq!(create(&world, "cursor", "1").status, 201);
    let made = world.get(&format!("{VARIABLES}/Cursor")).json();
    assert_eq!(
        (&made["name"], &made["value"]),
        (&json!("CURSOR"), &json!("1"))
    );
    world.clock.advance(TimeDelta::seconds(1));
    assert_eq!(update(&world, "cursor", json!({ "value": "2" })), 204);
    let changed = world.get(&format!("{VARIABLES}/CURSOR")).json();
    assert_eq!(changed["value"], "2");
    assert_eq!(changed["created_at"], made["created_at"]);
    assert_ne!(changed["updated_at"], made["updated_at"]);
    assert_eq!(
        world
            .simulator
            .github()
            .variable("acme/ops", "cursor")
            .as_deref(),
        Some("2")
    );
    let delete = || {
        world
            .send(Method::DELETE, &format!("{VARIABLES}/cursor"), None)
            .status
    };
    assert_eq!((delete(), delete()), (204, 404));
    assert_eq!(
        world.simulator.github().variable("acme/ops", "cursor"),
        None
    );
    world.assert_as_described();
}

#[test]
fn a_variable_there_is_cannot_be_made_and_one_there_is_not_cannot_be_changed() {
    let world = World::new();
    world
        .simulator
        .github()
        .set_variable("acme/ops", "cursor", "1");
    assert_eq!(create(&world, "CURSOR", "2").status, 409);
    assert_eq!(
        world
            .simulator
            .github()
            .variable("acme/ops", "cursor")
            .as_deref(),
        Some("1")
    );
    assert_eq!(update(&world, "other", json!({ "value": "2" })), 404);
    assert_eq!(world.simulator.github().variable("acme/ops", "other"), None);
    world.assert_as_described();
}

#[test]
fn names_follow_githubs_rules() {
    let world = World::new();
    for name in ["GITHUB_X", "github_x", "1A", "A-B", "A B", "", "Ä"] {
        assert_eq!(create(&world, name, "1").status, 422, "{name}");
    }
    for name in ["_A1", "a", "GITHUB"] {
        assert_eq!(create(&world, name, "1").status, 201, "{name}");
    }
    world.assert_as_described();
}

#[test]
fn a_value_has_48_kilobytes_at_most() {
    let world = World::new();
    assert_eq!(create(&world, "A", &"x".repeat(48 * 1024)).status, 201);
    assert_eq!(create(&world, "B", &"x".repeat(48 * 1024 + 1)).status, 422);
    assert_eq!(
        update(&world, "A", json!({ "value": "x".repeat(48 * 1024 + 1) })),
        422
    );
}

#[test]
fn a_body_that_does_not_set_a_variable_is_refused() {
    let world = World::new();
    assert_eq!(
        world.post(VARIABLES, Some(json!({ "name": "A" }))).status,
        422
    );
    assert_eq!(
        world
            .post(VARIABLES, Some(json!({ "name": "A", "value": 1 })))
            .status,
        422
    );
    assert_eq!(world.post(VARIABLES, Some(json!([]))).status, 400);
    assert_eq!(world.post(VARIABLES, None).status, 400);
}

#[test]
fn a_variable_can_get_another_name_that_is_free() {
    let world = World::new();
    create(&world, "A", "1");
    create(&world, "B", "2");
    assert_eq!(update(&world, "A", json!({ "name": "B" })), 409);
    assert_eq!(update(&world, "A", json!({ "name": "C" })), 204);
    assert_eq!(
        world
            .simulator
            .github()
            .variable("acme/ops", "C")
            .as_deref(),
        Some("1")
    );
    assert_eq!(world.simulator.github().variable("acme/ops", "A"), None);
}

#[test]
fn variables_are_listed_by_name_ten_a_page() {
    let world = World::new();
    for n in (0..12).rev() {
        world
            .simulator
            .github()
            .set_variable("acme/ops", &format!("V{n:02}"), "x");
    }
    let first = world.get(VARIABLES);
    assert_eq!(first.json()["total_count"], 12);
    assert_eq!(first.json()["variables"][0]["name"], "V00");
    assert_eq!(first.json()["variables"].as_array().unwrap().len(), 10);
    let second = world.get(&first.link("next").unwrap());
    assert_eq!(second.json()["variables"][1]["name"], "V11");
    assert_eq!(second.link("next"), None);
    world.assert_as_described();
}
