//! Properties that hold for every log and every policy.

use proptest::prelude::*;

use super::*;
use crate::read::fold::properties::{at, failed, fold, log, stories, window};
use crate::remember::checkpoint;

fn policies() -> impl Strategy<Value = Policy> {
    (
        1..5_usize,
        0..4_000_i64,
        proptest::option::of(1..200_000_i64),
    )
        .prop_map(|(max_redeliveries, backoff, max_age)| Policy {
            max_age: max_age.map(TimeDelta::seconds),
            max_redeliveries,
            backoff: TimeDelta::seconds(backoff),
            ..Policy::default()
        })
}

proptest! {
    #[test]
    fn the_plan_follows_the_policy(stories in stories(), policy in policies(), now in 100_000..300_000_i64) {
        let log: Vec<_> = log(&stories).into_iter().filter(|row| row.delivered_at <= at(now)).collect();
        let (failures, evidence) = fold(&log, 20);
        let all = failures.len();
        let plan = plan(failures, |_| None, |_| None, &evidence, &policy, at(now), window().retention_start);

        // Every failed delivery has exactly one outcome.
        prop_assert_eq!(plan.due.len() + plan.rest.len(), all);

        let failed = failed(&log);
        for failure in &plan.due {
            prop_assert!(failed.contains(&failure.guid), "a delivered one is due");
            prop_assert!(failures_while_up(failure, &evidence) < policy.max_redeliveries);
            let made = failure.redeliveries().count();
            if made > 0 && !policy.backoff.is_zero() {
                let doubled = policy.backoff.num_seconds() << (made - 1);
                let wait = TimeDelta::seconds(doubled.min(LONGEST_BACKOFF.num_seconds()));
                prop_assert!(at(now) >= failure.newest.at + wait, "too early");
            }
        }
        for delivery in &plan.rest {
            let failure = &delivery.failure;
            match delivery.outcome {
                Outcome::Waiting => prop_assert!(delivery.due_at > Some(at(now))),
                Outcome::Exhausted => {
                    // Another delivery succeeded within 20 minutes of each failure that counts.
                    let near = failure.redeliveries().filter(|attempt| {
                        log.iter().any(|row| {
                            row.code == Some(200)
                                && (row.delivered_at - attempt.at).abs() <= TimeDelta::minutes(20)
                        })
                    });
                    prop_assert!(near.count() >= policy.max_redeliveries);
                }
                Outcome::Expired => {
                    let first = failure.first.time();
                    prop_assert!(first.is_none_or(|first| first < window().retention_start));
                }
                Outcome::Stale => prop_assert!(failure.first.time() < Some(at(now))),
                outcome => prop_assert!(false, "{outcome:?}"),
            }
        }

        // New failures first, each kind by its newest attempt; but one of the others may come first of all.
        let retried = |failure: &FailedDelivery| failure.redeliveries().count() > 0;
        let key = |failure: &FailedDelivery| (retried(failure), failure.newest.at);
        let leads = usize::from(plan.due.first().is_some_and(retried));
        let (lead, rest) = plan.due.split_at(leads);
        prop_assert!(rest.windows(2).all(|pair| key(&pair[0]) <= key(&pair[1])));
        let first = rest.iter().find(|failure| retried(failure));
        prop_assert!(lead.iter().all(|lead| first.is_none_or(|first| key(lead) <= key(first))));

        // The checkpoint is no later than the first attempt of any open delivery.
        let open = || plan.due.iter().map(|failure| failure.first.time());
        let next = checkpoint::next(at(now), open(), window().start, window().start);
        prop_assert!(open().flatten().all(|first| next <= first.max(window().start)) && next <= at(now));
    }

    #[test]
    fn deliveries_that_github_refused_come_last(
        stories in stories(),
        policy in policies(),
        refused in proptest::collection::vec(proptest::option::of(0..300_000_i64), 16),
    ) {
        let (failures, evidence) = fold(&log(&stories), 20);
        let refused = |failure: &FailedDelivery| {
            let text = failure.guid.to_string();
            refused[text.bytes().map(usize::from).sum::<usize>() % 16].map(at)
        };
        let due = |refused: &dyn Fn(&FailedDelivery) -> Option<DateTime<Utc>>| {
            let failures = failures.clone();
            plan(failures, |_| None, refused, &evidence, &policy, at(300_000), window().retention_start).due
        };
        let in_order = due(&|_| None);
        let due = due(&refused);
        prop_assert!(due.windows(2).all(|pair| refused(&pair[0]) <= refused(&pair[1])));
        prop_assert_eq!(due.len(), in_order.len(), "and nothing is left out");
    }

    #[test]
    fn an_outage_exhausts_nothing(stories in stories(), policy in policies()) {
        let mut log = log(&stories);
        log.retain(|row| row.code != Some(200));
        let (failures, evidence) = fold(&log, 20);
        let plan = plan(failures, |_| None, |_| None, &evidence, &policy, at(300_000), window().retention_start);
        prop_assert!(plan.rest.iter().all(|delivery| delivery.outcome != Outcome::Exhausted));
    }

    #[test]
    fn the_back_off_is_kept_to_the_second(made in 1..9_usize, backoff in 1..4_000_i64) {
        let policy = Policy {
            max_redeliveries: 99,
            backoff: TimeDelta::seconds(backoff),
..Policy::default()
        };
        let story = (100_000, false, vec![(600, false); made]);
        let log = log(&[story]);
        let newest = 100_000 + 600 * made as i64;
        let wait = (backoff << (made - 1)).min(LONGEST_BACKOFF.num_seconds());
        // Six hours after five failures while the receiver was down, as it has accepted nothing since.
        let wait = if made >= 5 { 6 * 3_600 } else { wait };
        let due = |now| {
            let (failures, evidence) = fold(&log, 20);
            plan(failures, |_| None, |_| None, &evidence, &policy, at(now), window().retention_start).due.len() == 1
        };
        prop_assert!(!due(newest + wait - 1));
        prop_assert!(due(newest + wait));
    }
}
