//! Faults that hit a share of the requests.

use http::Method;
use simulated_github::{Access, Attempt, Fault, GitHub, Owner, Request, Webhook, guid};

use crate::client::TOKEN;

const REQUESTS: usize = 2_000;

fn github() -> GitHub {
    let mut github = GitHub::new();
    github.rate_limit = None;
    github.add_organization("acme");
    github.add_token(TOKEN, Access::admin());
    github
}

/// The status of each of so many answers.
fn statuses(github: &mut GitHub, request: &Request) -> Vec<u16> {
    (0..REQUESTS)
        .map(|_| github.respond(request).status)
        .collect()
}

/// True if this is about so many percent of the requests.
fn is_about(count: usize, percent: usize) -> bool {
    (count * 100).abs_diff(REQUESTS * percent) < REQUESTS * 3
}

#[test]
fn a_share_of_the_requests_is_hit_and_the_seed_says_which() {
    let request = Request::new(Method::GET, "/orgs/acme/hooks").bearer(TOKEN);
    let with = |seed, percent| {
        let mut github = github();
        github.add_fault(
            Fault::on_any_path("*")
                .randomly(seed, percent)
                .status(502, ""),
        );
        statuses(&mut github, &request)
    };
    let hit = |statuses: &[u16]| statuses.iter().filter(|status| **status == 502).count();
    let fifth = with(1, 20);
    assert!(is_about(hit(&fifth), 20), "{}", hit(&fifth));
    assert_eq!(with(1, 20), fifth);
    assert_ne!(with(2, 20), fifth);
    assert_eq!((hit(&with(1, 0)), hit(&with(1, 100))), (0, REQUESTS));
    // The hits are neither regular nor all together.
    let runs = fifth.chunk_by(|a, b| a == b).count();
    assert!(is_about(runs, 2 * 16), "{runs}");
}

#[test]
fn a_random_fault_can_begin_late_and_end() {
    let mut github = github();
    let request = Request::new(Method::GET, "/orgs/acme/hooks").bearer(TOKEN);
    let fault = Fault::on_any_path("*").randomly(1, 100).nth(3).times(2);
    github.add_fault(fault.status(502, ""));
    assert_eq!(
        statuses(&mut github, &request)[..6],
        [200, 200, 502, 502, 200, 200]
    );
}

#[test]
fn shares_of_one_seed_do_not_meet() {
    let mut github = github();
    let owner = Owner::Organization("acme".to_owned());
    let hook = github.add_webhook(owner, Webhook::new("https://ci.example.com/hook"));
    let failed = Attempt::failed(guid(1), github.now());
    let id = github.webhook_mut(hook).log(failed);
    let before = Fault::on_any_path("*").randomly_in(7, 0..10);
    let after = Fault::on_any_path("*").randomly_in(7, 10..20);
    github.add_fault(before.status(502, "").header("x-acted", "no"));
    github.add_fault(after.status(502, "").act_first().header("x-acted", "yes"));
    let path = format!("/orgs/acme/hooks/{hook}/deliveries/{id}/attempts");
    let request = Request::new(Method::POST, &path).bearer(TOKEN);
    let (mut acted, mut kept) = (0, 0);
    for _ in 0..REQUESTS {
        let requested = github.requested(hook).len();
        let reply = github.respond(&request);
        let took_effect = github.requested(hook).len() > requested;
        match reply.headers.get("x-acted").map(|value| value.as_bytes()) {
            None => assert_eq!((reply.status, took_effect), (202, true)),
            Some(said) => {
                assert_eq!((reply.status, took_effect), (502, said == b"yes"));
                acted += usize::from(took_effect);
                kept += usize::from(!took_effect);
            }
        }
    }
    assert!(is_about(acted, 10) && is_about(kept, 10), "{acted} {kept}");
}
