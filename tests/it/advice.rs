//! Advice about responses of GitHub, or of a proxy before it.

mod setup;

use simulated_github::{Access, Attempt, Fault, guid};

use crate::run_result::RunResult;
use crate::virtual_world::VirtualWorld;
use crate::world::{World, ago};

/// A pass in which the webhooks can't be listed.
fn refused(status: u16, message: &str, headers: &[(&str, &str)]) -> RunResult {
    let world = World::new();
    let body = serde_json::json!({ "message": message }).to_string();
    let mut fault = Fault::on("GET", "/hooks?").always().status(status, &body);
    for (name, value) in headers {
        fault = fault.header(name, value);
    }
    world.simulator.github().add_fault(fault);
    world.pass().run()
}

#[test]
fn each_refusal_that_is_not_a_missing_permission_has_its_own_advice() {
    let lifetime = "The 'acme' organization forbids access via a fine-grained personal access tokens if the token's lifetime is \
                    greater than 366 days. Please adjust your token's lifetime at the following URL: \
                    https://github.com/settings/personal-access-tokens/1288530312885303";
    let classic_lifetime = "The 'acme' organization forbids access via a personal access token (classic) if the token's lifetime \
                            is greater than 90 days. Please adjust your token's lifetime at the following URL: \
                            https://github.com/settings/tokens/12885303";
    let oauth = "Although you appear to have the correct authorization credentials, the `acme` organization has enabled OAuth App \
                 access restrictions, meaning that data access to third-parties is limited. For more information on these \
                 restrictions, including how to enable this app, visit \
                 https://docs.github.com/articles/restricting-access-to-your-organization-s-data/";
    let rules = "Request forbidden by administrative rules. Please make sure your request has a User-Agent header \
                 (https://docs.github.com/en/rest/overview/resources-in-the-rest-api#user-agent-required).";
    for (status, message, advice) in [
        (
            403,
            "Although you appear to have the correct authorization credentials, the `acme` organization has an IP allow list \
             enabled, and your IP address is not permitted to access this resource.",
            "The IP allow list lacks this machine's address: have an owner add it",
        ),
        (
            403,
            "Although you appear to have the correct authorization credentials, the `acme` enterprise has an IP allow list \
             enabled, and 192.0.2.7 is not permitted to access this resource.",
            "The IP allow list lacks this machine's address",
        ),
        (
            403,
            "`acme` forbids access via a personal access token (classic). Please use a GitHub App, OAuth App, or a personal \
             access token with fine-grained permissions.",
            "accepts no classic tokens: use a fine-grained personal access token or a GitHub App",
        ),
        (
            403,
            "`acme` forbids access via a personal access token with fine-grained permissions. Please use a GitHub App, or an \
             OAuth App.",
            "accepts no fine-grained personal access tokens: use a GitHub App",
        ),
        (
            403,
            lifetime,
            "give it a shorter lifetime at https://github.com/settings/personal-access-tokens/1288530312885303, or",
        ),
        (
            403,
            classic_lifetime,
            "give it a shorter lifetime at https://github.com/settings/tokens/12885303, or",
        ),
        (403, oauth, "has not approved the OAuth app of this token"),
        (
            403,
            "Resource protected by organization SAML enforcement. You must grant your Personal Access token access to an \
             organization within this enterprise.",
            "not authorised for the organization's single sign-on: in its owner's settings, choose `Configure SSO`",
        ),
        (
            403,
            "Unauthorized: As an Enterprise Managed User, you cannot access this content",
            "The token's owner is a managed user of an enterprise",
        ),
        (
            403,
            "This installation has been suspended",
            "The App's installation is suspended: unsuspend it",
        ),
        (
            403,
            "Sorry. Your account was suspended",
            "The account of the token's owner is suspended",
        ),
        (
            403,
            "Repository was archived so is read-only.",
            "The repository is archived",
        ),
        (
            403,
            "Repository access blocked",
            "GitHub has blocked the repository",
        ),
        (
            451,
            "Repository access blocked",
            "GitHub has blocked the repository",
        ),
        (
            403,
            rules,
            "had no User-Agent header when it arrived, or a firewall or proxy refused it",
        ),
    ] {
        let ended = refused(status, message, &[]);
        let ended = ended
            .failure(&format!("GitHub answered {status} `{message}`"))
            .says(advice);
        assert!(
            !ended.log.contains("permission is missing"),
            "{}",
            ended.log
        );
    }
}

#[test]
fn a_long_address_for_single_sign_on_is_shown_whole() {
    let url = format!(
        "https://github.com/orgs/acme/sso?authorization_request={}",
        "A1".repeat(300)
    );
    let message = "Resource protected by organization SAML enforcement.";
    let ended = refused(
        403,
        message,
        &[("x-github-sso", &format!("required; url={url}"))],
    );
    ended.says(&format!("open {url} as the token's owner"));
}

#[test]
fn a_refusal_for_an_unknown_reason_quotes_github_and_does_not_guess() {
    for message in ["no", "Two-factor authentication is required."] {
        let ended = refused(
            403,
            message,
            &[("x-accepted-github-permissions", "organization_hooks=read")],
        );
        let ended = ended.says(&format!(
            "GitHub answered 403 `{message}`. GitHub will not do this, and its message says why"
        ));
        assert!(!ended.log.contains("permission"), "{}", ended.log);
    }
}

#[test]
fn the_advice_names_the_permissions_that_github_names() {
    for (message, header, advice) in [
        (
            "Resource not accessible by personal access token",
            "organization_hooks=read",
            "the scope `admin:org_hook`",
        ),
        (
            "Must have admin rights to Repository.",
            "",
            "A permission is missing: ",
        ),
    ] {
        let headers = [("x-accepted-github-permissions", header)];
        refused(403, message, &headers).says(advice);
    }
    let world = World::new();
    let access = Access::nothing();
    world
        .simulator
        .github()
        .add_token("github_pat_fine0grained", access);
    let fault = Fault::on("GET", "/hooks?")
        .always()
        .status(
            403,
            r#"{"message":"Resource not accessible by personal access token"}"#,
        )
        .header(
            "x-accepted-github-permissions",
            "organization_hooks=write; organization_administration=write,metadata=read",
        );
    world.simulator.github().add_fault(fault);
    world.pass().input("token", "github_pat_fine0grained").run().says(
        "give the token the organization permission Webhooks: write, or the organization permission Administration: write and the \
         repository permission Metadata: read on `acme`",
    );
}

#[test]
fn an_archived_repository_of_the_variable_is_named() {
    let world = World::new();
    world.log(Attempt::failed(guid(1), ago(10)));
    let fault = Fault::on("POST", "/actions/variables").always().status(
        403,
        r#"{"message":"Repository was archived so is read-only."}"#,
    );
    world.simulator.github().add_fault(fault);
    let ended = world.pass().run();
    ended.says("`acme/ops` is archived, so its variables can't change: name another one as `checkpoint-repository`");
}

const PAGE: &str = "<!DOCTYPE html>\n<html><head><title>\n Maintenance &middot; down\n</title></head><body><h1>x</h1></body></html>";
const BARE_PAGE: &str = "<html><body><h1>Gateway trouble</h1>\nTry later.\n</body></html>";

#[tokio::test(start_paused = true)]
async fn an_html_page_is_shown_by_its_title_with_advice_on_the_outage_or_the_address() {
    for (status, page, title, advice) in [
        (500, PAGE, "Maintenance &middot; down", "has trouble"),
        (
            502,
            BARE_PAGE,
            "Gateway trouble Try later.",
            "a proxy or load balancer in front of it",
        ),
        (504, PAGE, "Maintenance &middot; down", "has trouble"),
        (404, PAGE, "Maintenance &middot; down", "check `api-url`"),
        (403, PAGE, "Maintenance &middot; down", "check `api-url`"),
        (
            403,
            "<html><body><h1>403 Forbidden</h1>\nRequest forbidden by administrative rules.\n</body></html>",
            "403 Forbidden Request forbidden by administrative rules.",
            "a firewall or proxy refused it",
        ),
        (
            407,
            PAGE,
            "Maintenance &middot; down",
            "The proxy wants a user name and password",
        ),
    ] {
        let world = VirtualWorld::new();
        let fault = Fault::on("GET", "/hooks?").always().status(status, page);
        let fault = fault.without_header("x-github-request-id");
        world.github().add_fault(fault);
        let report = world.pass(&[]).await;
        let who = if status == 407 { "the proxy" } else { "GitHub" };
        let error = &report.errors[0];
        let answer = format!("the webhooks of `acme`: {who} answered {status} `{title}`. ");
        assert!(error.starts_with(&answer), "{answer}\n{error}");
        assert!(error.contains(advice), "{error}");
        assert!(status < 500 || !error.contains("api-url"), "{error}");
    }
}

#[test]
fn an_html_page_of_the_proxy_is_blamed_on_the_proxy() {
    let world = World::new();
    let fault = Fault::on("GET", "/hooks?").always().status(407, PAGE);
    world.simulator.github().add_fault(fault);
    world
        .pass()
        .run()
        .failure("the proxy answered 407 `Maintenance &middot; down`")
        .says("The proxy wants a user name and password");
}

#[test]
fn an_html_page_in_place_of_a_list_is_shown_by_its_title() {
    let world = World::new();
    let fault = Fault::on("GET", "/hooks?").always().body(PAGE);
    world.simulator.github().add_fault(fault);
    world
        .pass()
        .run()
        .failure("GitHub's answer could not be read: it is the page `Maintenance &middot; down`")
        .says("Check that `api-url` is GitHub's API");
}
