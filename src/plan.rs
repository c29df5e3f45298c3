//! Decides what to do with each failed delivery, and why.
//!
//! Pure: failed deliveries and the time come in, a plan comes out.

use std::cmp::Reverse;

use chrono::{DateTime, Utc};

use crate::history::{Failure, First};
use crate::report::Outcome;

/// What to do about the failed deliveries of one webhook.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// To be redelivered, in this order.
    pub due: Vec<Failure>,
    /// Not to be redelivered, and why.
    pub rest: Vec<(Failure, Outcome, String)>,
}

/// Sorts out which failures are due.
///
/// Those never redelivered come first, oldest original first; then the others, oldest first. Were
/// it oldest first alone, the deliveries that always fail would pile up at the head.
pub fn plan(failures: Vec<Failure>, retention_start: DateTime<Utc>) -> Plan {
    let mut plan = Plan::default();
    for failure in failures {
        let (outcome, reason) = match failure.first {
            First::BeyondRetention => (Outcome::Expired, EXPIRED),
            First::At(time) if time < retention_start => (Outcome::Expired, EXPIRED),
            First::Unseen => (Outcome::Deferred, UNSEEN),
            First::At(_) if failure.newest.pending => (Outcome::Pending, PENDING),
            First::At(_) => {
                plan.due.push(failure);
                continue;
            }
        };
        plan.rest.push((failure, outcome, reason.into()));
    }
    plan.due.sort_unstable_by_key(|failure| {
        (
            failure.redeliveries > 0,
            failure.first.time(),
            failure.newest.id,
        )
    });
    plan.rest
        .sort_unstable_by_key(|(failure, _, _)| Reverse((failure.newest.at, failure.newest.id)));
    plan
}

const EXPIRED: &str = "older than GitHub redelivers";
const PENDING: &str = "GitHub's log holds no outcome yet";
const UNSEEN: &str = "the log could not be read back to its first attempt";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attempt::{AttemptId, Guid};
    use crate::history::Newest;

    fn at(hour: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_790_000_000 + hour * 3600, 0).unwrap()
    }

    fn failure(id: u64, first: First, redeliveries: usize) -> Failure {
        Failure {
            guid: Guid::new(&format!("guid {id}")),
            newest: Newest {
                id: AttemptId(id),
                at: at(50),
                pending: false,
                status: "timed out".into(),
                code: Some(504),
                event: "push".into(),
                action: None,
            },
            first,
            attempts: vec![AttemptId(id)],
            redeliveries,
        }
    }

    fn ids(plan: &Plan) -> Vec<u64> {
        plan.due.iter().map(|failure| failure.newest.id.0).collect()
    }

    #[test]
    fn fresh_failures_come_first_and_the_oldest_of_them_leads() {
        let plan = plan(
            vec![
                failure(1, First::At(at(1)), 2),
                failure(2, First::At(at(9)), 0),
                failure(3, First::At(at(5)), 0),
                failure(4, First::At(at(0)), 1),
            ],
            at(0),
        );
        assert_eq!(ids(&plan), [3, 2, 4, 1]);
        assert!(plan.rest.is_empty());
    }

    #[test]
    fn what_github_will_not_redeliver_has_expired() {
        let plan = plan(
            vec![
                failure(1, First::At(at(0)), 0),
                failure(2, First::BeyondRetention, 1),
                failure(3, First::At(at(1)), 0),
            ],
            at(1),
        );
        assert_eq!(ids(&plan), [3]);
        assert!(
            plan.rest
                .iter()
                .all(|(_, outcome, _)| *outcome == Outcome::Expired)
        );
        assert_eq!(plan.rest.len(), 2);
    }

    #[test]
    fn an_attempt_without_outcome_is_waited_for() {
        let mut pending = failure(1, First::At(at(2)), 1);
        pending.newest.pending = true;
        let plan = plan(vec![pending], at(1));
        assert_eq!(plan.rest[0].1, Outcome::Pending);
        assert!(plan.due.is_empty());
    }

    #[test]
    fn a_delivery_whose_start_was_not_seen_is_left_for_the_next_pass() {
        let plan = plan(vec![failure(1, First::Unseen, 1)], at(1));
        assert_eq!(plan.rest[0].1, Outcome::Deferred);
    }
}
