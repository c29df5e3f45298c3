//! The App and its web tokens.

use serde_json::{Value, json};
use simulated_github::{App, TestKey};

use crate::client::World;

const UNDECODABLE: (u16, &str) = (401, "A JSON web token could not be decoded");
const ISSUED_AT: (u16, &str) = (
    401,
    "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued",
);
const EXPIRED: (u16, &str) = (
    401,
    "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the assertion expires",
);
const TOO_FAR: (u16, &str) = (
    401,
    "'Expiration time' claim ('exp') is too far in the future",
);

/// The response of the App's route to this token: the status, and the message of a refusal.
fn said_to(world: &mut World, token: String) -> (u16, String) {
    world.token = Some(token);
    let got = world.get("/app");
    let message = got.json()["message"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    (got.status, message)
}

/// The response of the App's route to a web token whose claims were changed.
fn said_to_claims(world: &mut World, change: impl FnOnce(&mut Value, i64)) -> (u16, String) {
    let mut claims = world.claims();
    change(&mut claims, world.clock.now().timestamp());
    said_to(world, TestKey::APP.sign(&claims))
}

fn world() -> World {
    let mut world = World::new();
    world.as_app();
    world
}

fn owned((status, message): (u16, &str)) -> (u16, String) {
    (status, message.to_owned())
}

#[test]
fn a_web_token_names_the_app_by_its_id_or_its_client_id() {
    let mut world = world();
    for issuer in [json!(17), json!("17"), json!("Iv23liSimulated")] {
        let said = said_to_claims(&mut world, |claims, _| claims["iss"] = issuer.clone());
        assert_eq!(said, owned((200, "")), "{issuer}");
    }
    for issuer in [json!(18), json!("Iv23liOther"), json!(null)] {
        let said = said_to_claims(&mut world, |claims, _| claims["iss"] = issuer.clone());
        assert_eq!(said, owned((404, "Integration not found")), "{issuer}");
    }
    world.assert_as_described();
}

#[test]
fn a_web_token_that_the_app_did_not_sign_is_refused() {
    let mut world = world();
    let good = TestKey::APP.sign(&world.claims());
    let other = TestKey::OTHER.sign(&world.claims());
    assert_eq!(said_to(&mut world, other.clone()), owned(UNDECODABLE));
    let (_, signature) = other.rsplit_once('.').unwrap();
    let (signed, _) = good.rsplit_once('.').unwrap();
    let (header, claims) = signed.split_once('.').unwrap();
    for token in [
        format!("{signed}.{signature}"),
        format!("{signed}."),
        signed.to_owned(),
        // {"alg":"none"}
        format!("eyJhbGciOiJub25lIn0.{claims}."),
        // {"alg":"HS256"}
        good.replacen(header, "eyJhbGciOiJIUzI1NiJ9", 1),
        "ghp_none".to_owned(),
        "a.b.c".to_owned(),
    ] {
        assert_eq!(
            said_to(&mut world, token.clone()),
            owned(UNDECODABLE),
            "{token}"
        );
    }
    assert_eq!(said_to(&mut world, good), owned((200, "")));
    world.assert_as_described();
}

#[test]
fn a_web_token_issued_in_the_future_is_refused() {
    let mut world = world();
    let said = said_to_claims(&mut world, |claims, now| claims["iat"] = json!(now));
    assert_eq!(said, owned((200, "")));
    let said = said_to_claims(&mut world, |claims, now| claims["iat"] = json!(now + 1));
    assert_eq!(said, owned(ISSUED_AT));
    let said = said_to_claims(&mut world, |claims, now| {
        claims["iat"] = json!(now.to_string())
    });
    assert_eq!(said, owned(ISSUED_AT));
}

#[test]
fn a_web_token_expires_within_ten_minutes() {
    let mut world = world();
    for (ahead, wanted) in [
        (-1, EXPIRED),
        (0, EXPIRED),
        (1, (200, "")),
        (600, (200, "")),
        (602, (200, "")),
        (603, TOO_FAR),
    ] {
        let said = said_to_claims(&mut world, |claims, now| claims["exp"] = json!(now + ahead));
        assert_eq!(said, owned(wanted), "{ahead} s");
    }
    let said = said_to_claims(&mut world, |claims, _| claims["exp"] = json!("soon"));
    assert_eq!(said, owned(EXPIRED));
}

#[test]
fn a_web_token_is_good_for_the_apps_routes_alone() {
    let world = world();
    assert_eq!(world.get("/rate_limit").status, 200);
    let got = world.get("/user/repos");
    assert_eq!(
        (got.status, got.message()),
        owned((403, "Resource not accessible by integration"))
    );
}

#[test]
fn a_web_token_that_is_refused_does_not_work_elsewhere() {
    let mut world = world();
    world.token = Some(TestKey::OTHER.sign(&world.claims()));
    let got = world.get("/orgs/acme/hooks");
    assert_eq!((got.status, got.message()), owned((401, "Bad credentials")));
}

#[test]
fn web_tokens_share_the_apps_limit() {
    let mut world = world();
    let used = |world: &World| {
        world
            .get("/app")
            .header("x-ratelimit-used")
            .map(str::to_owned)
    };
    assert_eq!(used(&world).as_deref(), Some("1"));
    let mut claims = world.claims();
    claims["iat"] = json!(world.clock.now().timestamp() - 30);
    world.token = Some(TestKey::APP.sign(&claims));
    assert_eq!(used(&world).as_deref(), Some("2"));
}

#[test]
fn both_forms_of_a_test_key_are_there() {
    for key in [TestKey::APP, TestKey::OTHER] {
        assert!(
            key.pkcs1_pem
                .starts_with("-----BEGIN RSA PRIVATE KEY-----\n")
        );
        assert!(key.pkcs8_pem.starts_with("-----BEGIN PRIVATE KEY-----\n"));
    }
    assert_ne!(TestKey::APP.public_der, TestKey::OTHER.public_der);
}

#[test]
fn the_app_shows_who_it_is() {
    for mut world in [World::new(), World::enterprise_server()] {
        world.as_app();
        let app = world.get("/app").json();
        assert_eq!(app["slug"], "simulated-app");
        assert_eq!(
            (&app["owner"]["login"], &app["owner"]["type"]),
            (&json!("acme"), &json!("Organization"))
        );
        assert!(
            app["html_url"]
                .as_str()
                .unwrap()
                .ends_with("/apps/simulated-app")
        );
        assert_eq!(app["permissions"], json!({ "metadata": "read" }));
        let app = App::new(17, "Iv23liSimulated", TestKey::APP.public_der)
            .slug("redeliver")
            .owned_by_user("someone")
            .permissions(&[("organization_hooks", "write")]);
        world.simulator.github().add_app(app);
        let app = world.get("/app").json();
        assert_eq!(app["slug"], "redeliver");
        assert_eq!(
            (&app["owner"]["login"], &app["owner"]["type"]),
            (&json!("someone"), &json!("User"))
        );
        assert_eq!(
            app["permissions"],
            json!({ "metadata": "read", "organization_hooks": "write" })
        );
        world.simulator.github().add_app(
            App::new(17, "Iv23liSimulated", TestKey::APP.public_der)
                .owned_by_organization("makers"),
        );
        assert_eq!(world.get("/app").json()["owner"]["login"], "makers");
        world.assert_as_described();
    }
}
