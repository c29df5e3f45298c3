//! Links and redirects are followed only within the API, and only to the same list.

use std::net::TcpListener;

use simulated_github::{App, Attempt, Fault, Installation, Links, Owner, TestKey, Webhook, guid};

use crate::credential_kinds::CLIENT_ID;
use crate::world::{DAY, World, ago};

/// Links that begin with `root` in place of the API's address.
fn links(root: &str, by_number: bool) -> Links {
    Links {
        root: Some(root.to_owned()),
        by_number,
    }
}

/// Three pages of a log, with the failed delivery at its end.
fn long_log(world: &World) -> u64 {
    world.log_healthy(250, 5);
    world.log(Attempt::failed(guid(1), ago(10 * 60)))
}

fn repository(name: &str) -> Owner {
    Owner::Repository {
        owner: "acme".into(),
        name: name.into(),
    }
}

/// A server that no request may reach, and its address.
fn elsewhere() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap().to_string();
    (listener, address)
}

fn assert_unvisited(elsewhere: &TcpListener) {
    let visit = elsewhere.accept().map(|(_, from)| from);
    assert_eq!(
        visit.map_err(|error| error.kind()),
        Err(std::io::ErrorKind::WouldBlock)
    );
}

#[test]
fn the_whole_log_is_read_from_the_api_whatever_origin_links_name() {
    let (listener, address) = elsewhere();
    for root in [
        format!("http://{address}"),
        format!("http://{address}/api/v3"),
        format!("HTTP://{}/api/v3", address.to_uppercase()),
        format!("http://user:secret@{address}/api/v3"),
        format!("//{address}/api/v3"),
        "https://github-inner:8443/api/v3".into(),
        "http://[::1]:1/api/v3".into(),
        "/api/v3".into(),
        String::new(),
    ] {
        for by_number in [false, true] {
            for world in [World::new(), World::enterprise_server()] {
                world.simulator.github().links = links(&root, by_number);
                let failed = long_log(&world);
                let ended = world.pass().run().success();
                ended.outputs(&["recovered=1", "errors=0"]);
                assert_eq!(world.redelivered(), [failed], "{root}");
                let read = world.requests("/deliveries?");
                assert!(read >= 3, "{root}: {read}");
            }
        }
    }
    assert_unvisited(&listener);
}

#[test]
fn links_relative_to_their_page_are_followed() {
    for link in ["?per_page=100&cursor=", "deliveries?per_page=100&cursor="] {
        let world = World::new();
        let failed = long_log(&world);
        let second = world.served()[0].last().unwrap().id;
        let fault = Fault::on("GET", "/deliveries?").link_next(&format!("{link}v1_{second}"));
        world.simulator.github().add_fault(fault);
        world.pass().run().success().outputs(&["scanned=251"]);
        assert_eq!(world.redelivered(), [failed]);
    }
}

#[test]
fn every_kind_of_list_is_read_behind_a_balancer_that_names_an_inner_host() {
    let (listener, address) = elsewhere();
    let inner = |world: &World| {
        world.simulator.github().links = links(&format!("http://{address}/api/v3"), true);
    };
    // An organization's webhooks.
    let world = World::enterprise_server();
    inner(&world);
    let hooks: Vec<u64> = (0..120).map(|_| world.add_webhook()).collect();
    world.log_at(hooks[119], Attempt::failed(guid(1), ago(5)));
    world.pass().run().success().outputs(&["recovered=1"]);

    // The repositories of an account, and their webhooks.
    let world = World::enterprise_server();
    inner(&world);
    for n in 0..120 {
        let name = format!("r{n:03}");
        world.simulator.github().add_repository("acme", &name);
    }
    let webhook = || Webhook::new("https://ci.example.com");
    let hooks: Vec<u64> = (0..120)
        .map(|_| {
            world
                .simulator
                .github()
                .add_webhook(repository("r119"), webhook())
        })
        .collect();
    for n in 0..150 {
        world.log_at(hooks[119], Attempt::ok(guid(n), ago(5)));
    }
    world.log_at(hooks[119], Attempt::failed(guid(1_000), ago(10)));
    let run = world.pass().input("organization", "");
    let ended = run.input("repository", "acme/*").run().success();
    ended.outputs(&["recovered=1", "scanned=151"]);

    // The installations of an App, and its own webhook.
    let world = World::enterprise_server();
    inner(&world);
    {
        let mut github = world.simulator.github();
        github.add_app(App::new(7, CLIENT_ID, TestKey::APP.public_der));
        let permissions = [("organization_hooks", "write")];
        for n in 0..120 {
            let login = format!("org{n:03}");
            github.add_organization(&login);
            github.add_webhook(Owner::Organization(login.clone()), webhook());
            github.install(Installation::new(&login, &permissions));
        }
        let hook = github.add_webhook(Owner::App, webhook());
        for n in 0..150 {
            github.webhook_mut(hook).log(Attempt::ok(guid(n), ago(5)));
        }
    }
    let run = world.bare_pass().unset("INPUT_TOKEN");
    let run = run
        .input("client-id", CLIENT_ID)
        .input("private-key", TestKey::APP.pkcs8_pem)
        .input("organization", "*")
        .input("app-webhook", "true");
    let ended = run.run().success().outputs(&["scanned=150"]);
    ended.says("121 webhooks of ");
    assert_unvisited(&listener);
}

#[test]
fn a_link_to_another_list_is_an_error_and_not_followed() {
    let world = World::new();
    let other = world.add_webhook();
    let hook = world.hook;
    for path in [
        format!("/orgs/acme/hooks/{other}/deliveries?cursor=v1_1"),
        format!("/orgs/beta/hooks/{hook}/deliveries"),
        format!("/repositories/1/hooks/{hook}/deliveries"),
        format!("/organizations/acme/hooks/{hook}/deliveries"),
        format!("/orgs/acme/hooks/{hook}/deliveries/../../{other}/deliveries"),
        "/orgs/acme/hooks".into(),
        "/user/repos?per_page=100".into(),
        "/%0a::error::x".into(),
        "/".into(),
    ] {
        let world = World::new();
        world.log_healthy(150, 5);
        let failed = world.log(Attempt::failed(guid(1), ago(1)));
        let inner = Fault::on("GET", "/deliveries?").link_next(&format!("http://inner{path}"));
        world.simulator.github().add_fault(inner);
        let path = path.split('?').next().unwrap();
        let ended = world.pass().run();
        ended
            .failure("the link to the next page names another list, `")
            .says(&format!("`{path}`"))
            .says("The rest was not read; the next pass tries again")
            .says(&format!(
                "; not read to the end: acme webhook {}.",
                world.hook
            ))
            .outputs(&["redelivered=1", "scanned=100"]);
        assert!(world.checkpoint().unwrap() <= ago(DAY - 1), "{path}");
        assert_eq!(world.redelivered(), [failed], "the page itself was good");
        assert_eq!(
            world.requests("/deliveries?per_page=100"),
            2,
            "one to confirm"
        );
    }
    let long = format!("http://inner/{}", "x".repeat(5_000));
    let fault = Fault::on("GET", "/hooks?").link_next(&long);
    world.simulator.github().add_fault(fault);
    let ended = world.pass().run();
    let ended = ended.failure("the link to the next page names another list, `/xxx");
    assert!(!ended.log.contains(&"x".repeat(200)), "{}", ended.log);
}

#[test]
fn the_link_of_a_page_that_was_read_again_comes_from_the_whole_response() {
    let cut = |nth| Fault::on("GET", "/deliveries?").nth(nth).cut_body();
    let damaged = |nth| {
        Fault::on("GET", "/deliveries?")
            .nth(nth)
            .body("[{\"id\":1,")
    };
    for nth in [1, 2] {
        for fault in [cut(nth), damaged(nth)] {
            // The first answer of this page names no next one, and the body that came whole does.
            let world = World::new();
            let failed = long_log(&world);
            world
                .simulator
                .github()
                .add_fault(fault.clone().without_header("link"));
            let ended = world.pass().run().success();
            ended.outputs(&["result=recovered", "scanned=251"]);
            assert_eq!(world.redelivered(), [failed]);

            // The first answer names another page, which is not to be read in place of the right one.
            let world = World::new();
            let failed = long_log(&world);
            let further = world.served()[2][40].id;
            let path = format!("/orgs/acme/hooks/{}/deliveries", world.hook);
            let link = format!("https://inner{path}?cursor=v1_{further}");
            world.simulator.github().add_fault(fault.link_next(&link));
            let ended = world.pass().run().success();
            ended.outputs(&["result=recovered", "scanned=251"]);
            assert_eq!(world.redelivered(), [failed]);
        }
    }
}

#[test]
fn a_renamed_repository_is_found_behind_a_balancer_and_its_redirects_lead_nowhere_else() {
    let (listener, address) = elsewhere();
    for by_number in [false, true] {
        let world = World::enterprise_server();
        let hook = {
            let mut github = world.simulator.github();
            let hook = github.add_webhook(repository("old"), Webhook::new("https://x.example.com"));
            github.rename_repository("acme/old", "new");
            github.rename_repository("acme/ops", "operations");
            github.links = links(&format!("http://{address}"), by_number);
            hook
        };
        for n in 0..250 {
            world.log_at(hook, Attempt::ok(guid(1_000 + n), ago(10)));
        }
        world.log_at(hook, Attempt::failed(guid(1), ago(15)));
        let run = world.pass().input("organization", "");
        let ended = run.input("repository", "acme/old").run().success();
        ended.outputs(&["result=recovered", "scanned=251"]);
        let moved = world.simulator.github();
        assert!(
            moved
                .variable("acme/operations", "LAST_REDELIVERY")
                .is_some()
        );
    }

    // To another owner's path, to another server, and to a page for people.
    for to in [
        format!("http://{address}/orgs/acme/hooks"),
        format!("http://{address}/orgs/acme/hooks?per_page=100"),
        format!("http://{address}/login?return_to=x"),
        "/repositories/1/hooks".into(),
        "/user/repos".into(),
    ] {
        let world = World::new();
        let fault = Fault::on("GET", "/orgs/acme/hooks?")
            .always()
            .status(301, "{}");
        world
            .simulator
            .github()
            .add_fault(fault.header("location", &to));
        let ended = world.pass().run();
        ended
            .failure("GitHub answered 301")
            .says("It was renamed or moved");
        let made = world.simulator.github().requests().len();
        assert_eq!(
            made,
            world.requests("/hooks?") + world.requests("/variables")
        );
    }
    assert_unvisited(&listener);
}
