//! Installations of the App.

use serde_json::{Value, json};
use simulated_github::Installation;

use crate::client::World;
use crate::minting::{HOOKS, install, mint, said, world};

#[test]
fn installations_are_shown_as_github_describes_them() {
    for mut world in [World::new(), World::enterprise_server()] {
        world.as_app();
        world.simulator.github().add_user("someone");
        world
            .simulator
            .github()
            .add_repository("someone", "dotfiles");
        let acme = install(&world, Installation::new("acme", &HOOKS).selected(&["ops"]));
        let someone = install(&world, Installation::new("someone", &[]).suspended());
        world.simulator.github().add_repository("acme", "other");
        let all = world.get("/app/installations").json();
        assert_eq!(
            (&all[0]["id"], &all[1]["id"]),
            (&json!(acme), &json!(someone))
        );
        assert_eq!(all[0]["account"]["login"], "acme");
        assert_eq!(all[0]["account"]["type"], "Organization");
        assert_eq!(all[0]["repository_selection"], "selected");
        assert_eq!(all[0]["permissions"]["organization_hooks"], "write");
        assert_eq!(all[0]["suspended_at"], Value::Null);
        assert_eq!(all[1]["account"]["type"], "User");
        assert_eq!(all[1]["repository_selection"], "all");
        assert_eq!(all[1]["suspended_at"], json!(world.clock.now()));
        for (path, wanted) in [
            ("/orgs/acme/installation", Some(&all[0])),
            ("/orgs/ACME/installation", Some(&all[0])),
            ("/orgs/someone/installation", None),
            ("/orgs/nobody/installation", None),
            ("/users/someone/installation", Some(&all[1])),
            ("/users/acme/installation", Some(&all[0])),
            ("/users/nobody/installation", None),
            ("/repos/acme/ops/installation", Some(&all[0])),
            ("/repos/acme/other/installation", None),
            ("/repos/acme/none/installation", None),
            ("/repos/someone/dotfiles/installation", Some(&all[1])),
        ] {
            let got = world.get(path);
            match wanted {
                Some(wanted) => assert_eq!((got.status, &got.json()), (200, wanted), "{path}"),
                None => assert_eq!(got.status, 404, "{path}"),
            }
        }
        world.assert_as_described();
    }
}

#[test]
fn installations_are_paged_by_number() {
    let world = world();
    for n in 0..5 {
        install(&world, Installation::new(&format!("org{n}"), &[]));
    }
    let got = world.get("/app/installations?per_page=2&page=2");
    let logins: Vec<Value> = got
        .json()
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["account"]["login"].clone())
        .collect();
    assert_eq!(logins, ["org2", "org3"]);
    assert_eq!(
        world.get(&got.link("next").unwrap()).json()[0]["account"]["login"],
        "org4"
    );
    world.assert_as_described();
}

#[test]
fn installations_are_shown_to_the_app_alone() {
    let mut world = world();
    let id = install(&world, Installation::new("acme", &HOOKS));
    world.token = Some(crate::client::TOKEN.to_owned());
    for path in [
        "/app/installations",
        "/orgs/acme/installation",
        "/repos/acme/ops/installation",
    ] {
        let got = world.get(path);
        assert_eq!(
            said(&got),
            (401, "A JSON web token could not be decoded".to_owned()),
            "{path}"
        );
    }
    assert_eq!(mint(&world, id, None).status, 401);
    assert!(world.simulator.github().minted().is_empty());
    world.assert_as_described();
}
