//! TLS, proxies and redirects, over real sockets.

use std::time::Duration;

use simulated_github::{
    Access, Attempt, Fault, GitHub, Owner, Protocols, Proxy, Simulator, Webhook, guid,
};

use crate::run::Run;
use crate::world::{TOKEN, World, ago};

/// A world behind TLS, with one failed delivery.
fn world(protocols: Protocols) -> World {
    let mut github = GitHub::enterprise_server();
    github.add_organization("acme");
    github.add_repository("acme", "ops");
    github.add_token(TOKEN, Access::admin());
    let owner = Owner::Organization("acme".into());
    let hook = github.add_webhook(owner, Webhook::new("https://ci.example.com/hook"));
    github
        .webhook_mut(hook)
        .log(Attempt::failed(guid(1), ago(10)));
    for n in 0..250 {
        github
            .webhook_mut(hook)
            .log(Attempt::ok(guid(100 + n), ago(20)));
    }
    World {
        simulator: Simulator::start_tls(github, protocols),
        hook,
    }
}

fn trusting(world: &World) -> Run<'_> {
    world
        .pass()
        .input("ca-certificates", world.simulator.ca_pem())
}

#[test]
fn a_private_authority_is_trusted_through_ca_certificates_alone() {
    let world = world(Protocols::Both);
    let ended = world.pass().run_executable();
    let ended = ended.failure("the server's certificate is not trusted: it was signed by `");
    let ended = ended.says("pass its certificate as `ca-certificates`");
    assert_eq!(world.requests("/"), 0);
    let name = ended.log.split("it was signed by `").nth(1).unwrap();
    let name = name.split('`').next().unwrap();
    assert!(!name.contains("without a name"), "{name}");

    let pem = world.simulator.ca_pem();
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("workspace")).unwrap();
    std::fs::write(folder.path().join("workspace/ca.pem"), pem).unwrap();
    for input in [
        pem.to_owned(),
        pem.replace('\n', "\\n"),
        "ca.pem".to_owned(),
    ] {
        world.log(Attempt::failed(guid(world.requests("/") as u64), ago(5)));
        let run = world.pass().input("ca-certificates", &input);
        run.run_executable_in(folder.path())
            .success()
            .outputs(&["result=recovered"]);
    }
}

#[test]
fn ssl_cert_file_is_trusted_too_and_a_missing_one_is_only_a_warning() {
    let world = world(Protocols::Both);
    let folder = tempfile::tempdir().unwrap();
    let inside = |name: &str| match std::env::var("REDELIVER_IMAGE") {
        Ok(_) => format!("/github/workspace/{name}"),
        Err(_) => folder
            .path()
            .join("workspace")
            .join(name)
            .to_str()
            .unwrap()
            .to_owned(),
    };
    std::fs::create_dir(folder.path().join("workspace")).unwrap();
    std::fs::write(
        folder.path().join("workspace/ca.pem"),
        world.simulator.ca_pem(),
    )
    .unwrap();
    let run = world.pass().env("SSL_CERT_FILE", &inside("ca.pem"));
    run.run_executable_in(folder.path())
        .success()
        .outputs(&["result=recovered"]);
    let run = trusting(&world).env("SSL_CERT_FILE", &inside("none.pem"));
    let ended = run.run_executable_in(folder.path()).success();
    ended
        .says("::warning::`SSL_CERT_FILE` is")
        .says("was left alone");
}

#[test]
fn an_invalid_certificate_input_is_named_before_anything_is_sent() {
    let world = world(Protocols::Both);
    for (input, why) in [
        (
            "nowhere.pem",
            "which is all that is visible in the action's container",
        ),
        (
            "-----BEGIN CERTIFICATE-----\nAAAA",
            "`ca-certificates` its end is missing",
        ),
        (
            "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----",
            "a certificate that is no base64",
        ),
        (
            "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----",
            "`ca-certificates` holds no certificate",
        ),
    ] {
        world
            .pass()
            .input("ca-certificates", input)
            .run_executable()
            .failure(why);
    }
    assert_eq!(world.simulator.connections(), 0);
}

#[test]
fn http_2_is_used_where_it_is_offered_and_http_1_elsewhere() {
    for (protocols, version) in [
        (Protocols::Both, http::Version::HTTP_2),
        (Protocols::Http2, http::Version::HTTP_2),
        (Protocols::Http1, http::Version::HTTP_11),
    ] {
        let world = world(protocols);
        trusting(&world)
            .run_executable()
            .success()
            .outputs(&["result=recovered", "scanned=251"]);
        let github = world.simulator.github();
        let requests = github.requests();
        assert!(
            requests.iter().all(|each| each.version == version),
            "{protocols:?}"
        );
        let requests = requests.len();
        drop(github);
        let connections = world.simulator.connections();
        assert!(connections < requests / 2, "{connections} for {requests}");
    }
}

#[test]
fn an_authenticating_proxy_is_used_except_for_hosts_in_no_proxy() {
    let world = world(Protocols::Both);
    let port = world.simulator.address().port();
    let proxy = Proxy::start();
    proxy.require("bob", "password");
    proxy.map(
        &format!("git.corp.example:{port}"),
        world.simulator.address(),
    );
    let url = format!("https://git.corp.example:{port}/api/v3");
    // No resolver knows the name, so only through the proxy can it be reached.
    let pass = || trusting(&world).input("api-url", &url);
    let with_proxy = |name: &str, proxy: &str| pass().env(name, proxy);
    let address = proxy.url_with("bob", "password");
    for name in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
        world.log(Attempt::failed(guid(world.requests("/") as u64), ago(5)));
        let ended = with_proxy(name, &address).run_executable().success();
        let ended = ended.outputs(&["result=recovered"]);
        assert!(!ended.log.contains("password"), "{}", ended.log);
    }
    assert!(
        proxy
            .requests()
            .iter()
            .all(|each| each.method == "CONNECT" && each.authorized)
    );

    let ended = with_proxy("HTTPS_PROXY", &proxy.url())
        .input("time-limit", "1s")
        .run_executable();
    ended
        .failure("GitHub could not be reached")
        .says("the proxy could not be used");
    let before = proxy.requests().len();
    let direct = trusting(&world)
        .env("HTTPS_PROXY", &address)
        .env("NO_PROXY", "127.0.0.1");
    direct.run_executable().success();
    assert_eq!(proxy.requests().len(), before);
}

#[test]
fn an_http_api_behind_a_proxy_is_an_input_error() {
    let world = World::new();
    let proxy = Proxy::start();
    let url = proxy.url_with("bob", "hunter2");
    for name in ["HTTP_PROXY", "ALL_PROXY"] {
        let ended = world.pass().env(name, &url).run_executable();
        let ended = ended.failure(&format!(
            "`api-url` is an `http` address, and `{name}` names a proxy for it: write the `https` address of the API, or \
             list its host in `NO_PROXY`"
        ));
        assert!(!ended.log.contains("hunter2"), "{}", ended.log);
        let without = world.pass().env(name, &url).env("NO_PROXY", "127.0.0.1");
        assert_eq!(world.requests("/"), 0);
        without.run_executable().success();
        world.simulator.github().clear_requests();
    }
    assert!(proxy.requests().is_empty());
}

#[test]
fn an_unusable_proxy_is_an_error_that_shows_no_password() {
    let world = world(Protocols::Both);
    for (address, why) in [
        (
            "socks5://bob:hunter2@proxy:1080",
            "`HTTPS_PROXY` names a `socks5` proxy",
        ),
        (
            "http://bob:hunter 2@proxy",
            "`HTTPS_PROXY` is not the address of a proxy",
        ),
        (
            "http://bob:hun/ter@proxy:8080",
            "`HTTPS_PROXY` is not the address of a proxy",
        ),
        (
            "http://bob:hunter2@proxy:80800",
            "`HTTPS_PROXY` is not the address of a proxy",
        ),
    ] {
        let ended = trusting(&world)
            .env("HTTPS_PROXY", address)
            .run_executable();
        let ended = ended.failure(why);
        assert!(!ended.log.contains("hun"), "{}", ended.log);
        // If it is not needed, any value that other tools understand is fine.
        let asked = world.requests("/");
        assert_eq!(asked, 0);
        trusting(&world)
            .env("HTTPS_PROXY", address)
            .env("NO_PROXY", "127.0.0.1")
            .run_executable()
            .success();
        trusting(&world)
            .env("HTTP_PROXY", address)
            .run_executable()
            .success();
        world.simulator.github().clear_requests();
    }
}

#[test]
fn a_proxy_that_refuses_connections_is_reported_with_the_reason() {
    let world = World::new();
    let free = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let api = world
        .pass()
        .input("api-url", "https://git.corp.example/api/v3");
    let ended = api
        .env("HTTPS_PROXY", &format!("http://{free}"))
        .input("time-limit", "1s")
        .run_executable();
    ended
        .failure("the proxy could not be used")
        .says("Connection refused");
}

#[test]
fn only_the_redirect_of_a_renamed_repository_is_followed() {
    let world = World::new();
    let owner = Owner::Repository {
        owner: "acme".into(),
        name: "old".into(),
    };
    let hook = world
        .simulator
        .github()
        .add_webhook(owner, Webhook::new("https://x.example.com"));
    for n in 0..150 {
        world.log_at(hook, Attempt::ok(guid(1_000 + n), ago(10)));
    }
    world.log_at(hook, Attempt::failed(guid(1), ago(5)));
    world
        .simulator
        .github()
        .rename_repository("acme/old", "new");
    let run = world
        .pass()
        .input("organization", "")
        .input("repository", "acme/old");
    run.run_executable()
        .success()
        .outputs(&["result=recovered", "recovered=1", "scanned=151"]);

    let elsewhere = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    elsewhere.set_nonblocking(true).unwrap();
    let to = format!("http://{}/orgs/acme/hooks", elsewhere.local_addr().unwrap());
    let fault = Fault::on("GET", "/orgs/acme/hooks?")
        .always()
        .status(301, "{}")
        .header("location", &to);
    world.simulator.github().add_fault(fault);
    let ended = world.pass().run_executable();
    ended
        .failure("GitHub answered 301")
        .says("It was renamed or moved");
    assert!(elsewhere.accept().is_err(), "the token went elsewhere");
}

#[test]
fn a_body_that_never_ends_is_refused() {
    let world = World::new();
    world.log(Attempt::failed(guid(1), ago(5)));
    let endless = Fault::on("GET", "/deliveries").times(1).endless_body();
    world.simulator.github().add_fault(endless);
    let ended = world.pass().run_executable();
    assert_eq!(
        ended.code,
        Some(0),
        "what is too large is asked for again: {}",
        ended.log
    );
    let late = Fault::on("GET", "/deliveries").delay_headers(Duration::from_millis(700));
    world.simulator.github().add_fault(late);
    world.pass().run_executable().success();
}
