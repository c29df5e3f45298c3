//! A long log costs no more to page through than a short one.

use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta};
use http::Method;
use simulated_github::{Access, Attempt, GitHub, Owner, Request, Webhook, guid};

#[test]
fn a_page_in_the_middle_of_a_long_log_is_as_quick_as_the_first() {
    const ROWS: i32 = 100_000;
    let mut github = GitHub::new();
    github.add_token("t", Access::admin());
    github.rate_limit = None;
    github.record_answers = false;
    let hook = github.add_webhook(
        Owner::Organization("acme".to_owned()),
        Webhook::new("https://ci.example.com/hook"),
    );
    let mut middle = 0;
    for n in 0..ROWS {
        let at = DateTime::UNIX_EPOCH + TimeDelta::seconds(1) * n;
        let id = github
            .webhook_mut(hook)
            .log(Attempt::ok(guid(n.unsigned_abs().into()), at));
        if n == ROWS / 2 {
            middle = id;
        }
    }
    let mut quickest = |query: &str| -> Duration {
        let path = format!("/orgs/acme/hooks/{hook}/deliveries?per_page=1{query}");
        let request = Request::new(Method::GET, &path).bearer("t");
        let times = (0..10).map(|_| {
            let begun = Instant::now();
            assert_eq!(github.respond(&request).status, 200);
            begun.elapsed()
        });
        times.min().unwrap()
    };
    let (first, far) = (quickest(""), quickest(&format!("&cursor=v1_{middle}")));
    // A walk to the middle would take far more than ten times as long as a page of one row.
    assert!(
        far < first * 10,
        "{far:?} for a page in the middle, {first:?} for the first"
    );
}
