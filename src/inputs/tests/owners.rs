//! Targets, credentials and the place of the checkpoint.

use super::*;

#[test]
fn a_plain_hook_id_needs_one_owner() {
    for (organization, repository) in [
        ("acme,beta", ""),
        ("acme", "acme/ops"),
        ("", "acme/*"),
        ("", "acme/a,acme/b"),
    ] {
        let error = error(&[
            ("INPUT_ORGANIZATION", organization),
            ("INPUT_REPOSITORY", repository),
            ("INPUT_HOOK-ID", "1"),
        ]);
        assert!(
            error.starts_with("`hook-id` `1` does not say whose webhook it is: name one"),
            "{error}"
        );
    }
}

#[test]
fn a_link_to_a_settings_page_names_the_owner() {
    let hooks = |link: &str, more: &[(&str, &str)]| {
        let mut inputs = vec![("INPUT_ORGANIZATION", ""), ("INPUT_HOOK-ID", link)];
        inputs.extend(more);
        with(&inputs).unwrap().targets.names()
    };
    let organization = "https://github.com/organizations/acme/settings/hooks/42?tab=deliveries";
    assert_eq!(hooks(organization, &[]), ["acme webhook 42"]);
    let repository = "https://GitHub.com/acme/Ops/settings/hooks/7/";
    assert_eq!(hooks(repository, &[]), ["acme/ops webhook 7"]);
    let server = ("INPUT_API-URL", "https://git.acme.com/api/v3");
    let there = "https://git.acme.com/acme/ops/settings/hooks/7";
    assert_eq!(hooks(there, &[server]), ["acme/ops webhook 7"]);
    let both = format!("{organization}\n{repository}, {repository}");
    assert_eq!(hooks(&both, &[]), ["acme webhook 42", "acme/ops webhook 7"]);
    assert_eq!(
        hooks(organization, &[("INPUT_REPOSITORY", "")]),
        ["acme webhook 42"]
    );
    for wrong in [
        there,
        "https://github.com/acme/ops/settings/hooks/",
        "https://github.com/acme/ops/settings/hooks/0",
        "https://github.com/acme/ops/settings/hooks/7/deliveries",
        "https://github.com/organizations/a.b/settings/hooks/7",
        "https://github.com.evil.com/acme/ops/settings/hooks/7",
        "https://github.com",
    ] {
        let error = error(&[("INPUT_HOOK-ID", wrong)]);
        assert!(error.starts_with("`hook-id` `https://"), "{error}");
        assert!(error.contains("the whole link to that page"), "{error}");
    }
}

#[test]
fn hook_id_must_name_a_webhook_of_each_target() {
    let link = "https://github.com/organizations/acme/settings/hooks/42";
    for (organization, repository, idle) in [
        ("acme,beta", "", "`beta`"),
        ("acme", "acme/ops", "`acme/ops`"),
        ("acme", "acme/*", "`acme/*`"),
    ] {
        let error = error(&[
            ("INPUT_ORGANIZATION", organization),
            ("INPUT_REPOSITORY", repository),
            ("INPUT_HOOK-ID", link),
        ]);
        let expected = format!("`hook-id` names no webhook of {idle}, which is a target too");
        assert!(error.starts_with(&expected), "{error}");
    }
}

#[test]
fn targets_add_up_and_exceptions_are_left_out() {
    let names = |organization, repository| {
        let inputs = with(&[
            ("INPUT_ORGANIZATION", organization),
            ("INPUT_REPOSITORY", repository),
        ]);
        inputs.unwrap().targets.names()
    };
    assert_eq!(names("acme", "acme/ops"), ["acme", "acme/ops"]);
    assert_eq!(names("acme, beta, !Beta", ""), ["!beta", "acme"]);
    assert_eq!(
        names("", "acme/*, !acme/attic, beta/x"),
        ["!acme/attic", "acme/*", "beta/x"]
    );
}

#[test]
fn a_token_alone_checks_the_workflows_repository() {
    let inputs = |more: &[(&str, &str)]| {
        let mut variables = vec![("INPUT_ORGANIZATION", "")];
        variables.extend(more);
        with(&variables)
    };
    let workflow = ("GITHUB_REPOSITORY", "acme/ops");
    assert_eq!(inputs(&[workflow]).unwrap().targets.names(), ["acme/ops"]);
    let hook = ("INPUT_HOOK-ID", "7");
    let one = inputs(&[workflow, hook]).unwrap();
    assert_eq!(one.targets.names(), ["acme/ops webhook 7"]);
    let none = messages(inputs(&[]));
    assert!(
        none.starts_with("`organization` is not set, and neither is any other target"),
        "{none}"
    );
    let app = [
        workflow,
        ("INPUT_TOKEN", ""),
        ("INPUT_CLIENT-ID", "1"),
        ("INPUT_PRIVATE-KEY", "x"),
    ];
    let app = messages(inputs(&app));
    assert!(
        app.starts_with("`organization` is not set, and neither is any other target"),
        "{app}"
    );
}

#[test]
fn an_app_needs_a_client_id_and_a_private_key() {
    let app = |more: &[(&str, &str)]| {
        let mut variables = vec![("INPUT_TOKEN", "")];
        variables.extend(more);
        with(&variables)
    };
    let (id, key) = (
        ("INPUT_CLIENT_ID", "Iv23liABC"),
        ("INPUT_PRIVATE_KEY", "k3y"),
    );
    let inputs = app(&[id, key, ("INPUT_APP_WEBHOOK", "true")]).unwrap();
    assert_eq!(inputs.targets.names(), ["acme", "app iv23liabc"]);
    assert!(!format!("{inputs:?}").contains("k3y"));
    let all = app(&[id, key, ("INPUT_ORGANIZATION", "*, !beta")]).unwrap();
    assert_eq!(all.targets.names(), ["!beta", "*"]);
    let error = |more: &[(&str, &str)]| messages(app(more));
    let keyless = error(&[id]);
    assert!(
        keyless.contains("`private-key` is empty, but `client-id` is set"),
        "{keyless}"
    );
    assert!(
        keyless.contains("the secret is not available to this run"),
        "{keyless}"
    );
    assert!(error(&[key]).starts_with("`client-id` is not set, but `private-key` is"));
    let odd = error(&[("INPUT_CLIENT_ID", "a b"), key]);
    assert!(
        odd.starts_with("`client-id` `a b` is not accepted"),
        "{odd}"
    );
}

#[test]
fn a_checkpoint_file_must_be_visible_outside_the_container() {
    let place = |file: &str, workspace: &str| {
        let inputs = with(&[
            ("INPUT_CHECKPOINT_FILE", file),
            ("GITHUB_WORKSPACE", workspace),
        ]);
        match inputs.map(|inputs| inputs.checkpoint) {
            Ok(Some(CheckpointPlace::File(file))) => file.path.display().to_string(),
            other => format!("{:?}", other.unwrap_err()),
        }
    };
    assert_eq!(place("a/b.json", ""), "a/b.json");
    assert_eq!(place("a/./../b.json", "/srv/work"), "/srv/work/b.json");
    for lost in ["../x.json", "../../tmp/x", "/github/x.json"] {
        let lost = place(lost, "/github/workspace");
        assert!(
            lost.contains("is not visible in the action's container"),
            "{lost}"
        );
    }
    assert_eq!(place("a/b.json", "/srv/work"), "/srv/work/a/b.json");
    assert_eq!(place("/var/x.json", "/srv/work"), "/var/x.json");
    assert_eq!(
        place("a.json", "/github/workspace"),
        "/github/workspace/a.json"
    );
    let lost = place("/home/runner/work/x.json", "/github/workspace");
    assert!(
        lost.contains("is not visible in the action's container"),
        "{lost}"
    );
    let both = error(&[
        ("INPUT_CHECKPOINT_FILE", "x"),
        ("INPUT_CHECKPOINT_VARIABLE", "X"),
        ("GITHUB_REPOSITORY", "acme/ops"),
    ]);
    assert!(
        both.contains("`checkpoint-file` is set together with `checkpoint-variable`"),
        "{both}"
    );
}

#[test]
fn an_app_needs_no_more_permissions_than_the_pass() {
    let access = |more: &[(&str, &str)]| {
        let access = with(more).unwrap().required_access();
        (access.redelivers, access.variables, access.writes_variables)
    };
    let place = [
        ("INPUT_CHECKPOINT_VARIABLE", "X"),
        ("GITHUB_REPOSITORY", "acme/ops"),
    ];
    let acme = || Some("acme".to_owned());
    assert_eq!(access(&[]), (true, None, true));
    assert_eq!(access(&place), (true, acme(), true));
    let dry = [place[0], place[1], ("INPUT_DRY_RUN", "true")];
    assert_eq!(access(&dry), (false, acme(), false));
    let once = [place[0], place[1], ("INPUT_SINCE", "1d")];
    assert_eq!(access(&once), (true, acme(), false));
    let token = [place[0], place[1], ("INPUT_CHECKPOINT_TOKEN", "t")];
    assert_eq!(access(&token), (true, None, true));
}
