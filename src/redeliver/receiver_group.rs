//! The webhooks of one receiver form a group, so that while it is down most of them send it nothing.
//!
//! The webhook with most due goes first. If it finds the receiver down, up to five others try one delivery each: a path
//! may be broken while the host is up. Any success releases the group.

use std::sync::Mutex;

use crate::lock::lock;
use crate::watched::Watched;

/// Most webhooks that try one delivery each after the first found the receiver down.
const PROBES: usize = 5;

/// The webhooks of one receiver.
#[derive(Debug)]
pub struct ReceiverGroup {
    members: usize,
    state: Mutex<Arrivals>,
    phase: Watched<GroupPhase>,
}

#[derive(Debug, Default)]
struct Arrivals {
    /// For each member that has arrived: the number of its due deliveries, and its own number.
    arrived: Vec<(usize, usize)>,
    probes_left: usize,
    /// A member found the receiver down.
    found_down: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum GroupPhase {
    /// Not all have read their logs.
    Gathering,
    /// The first has gone ahead.
    Led,
    /// The first found the receiver down.
    Probing,
    Up,
    Down,
}

/// Permission for a member to redeliver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// The webhook redelivers everything due, and then reports the receiver's health.
    Lead,
    /// The webhook redelivers everything due.
    Go,
    /// The webhook redelivers one delivery, and then waits for [`ReceiverGroup::released`].
    Probe,
    /// Nothing: the receiver is down.
    Wait,
}

impl ReceiverGroup {
    /// A group of this many members.
    pub fn new(members: usize) -> Self {
        Self {
            members,
            state: Mutex::default(),
            phase: Watched::new(GroupPhase::Gathering),
        }
    }

    /// Reports that `member` has read its log and has `due` deliveries to redeliver, and waits for its admission.
    pub async fn arrive(&self, member: usize, due: usize) -> Admission {
        let all_here = {
            let mut state = lock(&self.state);
            state.arrived.push((due, member));
            state.arrived.len() == self.members
        };
        if all_here {
            self.lead();
        }
        if due == 0 {
            return Admission::Wait;
        }
        self.phase
            .wait_for(|phase| match (phase, self.rank(member)) {
                (GroupPhase::Up, _) => Some(Admission::Go),
                (GroupPhase::Led, 0) => Some(Admission::Lead),
                (GroupPhase::Down, _) => Some(Admission::Wait),
                (GroupPhase::Probing, 1..=PROBES) => Some(Admission::Probe),
                _ => None,
            })
            .await
    }

    /// Reports that a member's run has ended early: the others must not wait for it.
    pub fn leave(&self, member: usize) {
        let (arrived, all_here) = {
            let mut state = lock(&self.state);
            let arrived = state.arrived.iter().any(|(_, each)| *each == member);
            if !arrived {
                state.arrived.push((0, member));
            }
            (arrived, state.arrived.len() == self.members)
        };
        if arrived {
            self.report_no_success();
        } else if all_here {
            self.lead();
        }
    }

    /// Lets the member with most due go first, once all have read their logs.
    fn lead(&self) {
        // Members with equally many go in the order of their numbers.
        lock(&self.state)
            .arrived
            .sort_unstable_by_key(|(due, member)| (std::cmp::Reverse(*due), *member));
        self.phase.change(|phase| *phase = GroupPhase::Led);
    }

    /// Waits until a member found the receiver up (true), or all that tried did not (false).
    pub async fn released(&self) -> bool {
        self.phase
            .wait_for(|phase| match phase {
                GroupPhase::Up => Some(true),
                GroupPhase::Down => Some(false),
                GroupPhase::Gathering | GroupPhase::Led | GroupPhase::Probing => None,
            })
            .await
    }

    /// A member's place in the order of deliveries due.
    fn rank(&self, member: usize) -> usize {
        let state = lock(&self.state);
        let rank = state.arrived.iter().position(|(_, each)| *each == member);
        rank.unwrap_or(usize::MAX)
    }

    /// Reports that the receiver accepts deliveries, or is not known to refuse them.
    pub fn report_up(&self) {
        self.phase.change(|phase| *phase = GroupPhase::Up);
    }

    /// Reports that a member found the receiver down.
    pub fn report_down(&self) {
        lock(&self.state).found_down = true;
        self.report_no_success();
    }

    /// True if a member found the receiver down and no member found it up.
    pub fn is_down(&self) -> bool {
        lock(&self.state).found_down && self.phase.get() != GroupPhase::Up
    }

    /// Reports that a member learned nothing: GitHub gave no answer, refused, or its log showed no outcome.
    pub fn report_no_success(&self) {
        let mut state = lock(&self.state);
        self.phase.change(|phase| match phase {
            GroupPhase::Led => {
                let others = state.arrived.iter().skip(1);
                state.probes_left = others.filter(|(due, _)| *due > 0).count().min(PROBES);
                *phase = if state.probes_left == 0 {
                    GroupPhase::Down
                } else {
                    GroupPhase::Probing
                };
            }
            GroupPhase::Probing => {
                state.probes_left = state.probes_left.saturating_sub(1);
                if state.probes_left == 0 {
                    *phase = GroupPhase::Down;
                }
            }
            GroupPhase::Gathering | GroupPhase::Up | GroupPhase::Down => {}
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::future::join_all;

    /// The admissions of every member, if those that try find the receiver in the state that `up` returns.
    async fn admissions(due: &[usize], up: impl Fn(usize) -> bool) -> Vec<Vec<Admission>> {
        let group = ReceiverGroup::new(due.len());
        let (group, up) = (&group, &up);
        let members = due.iter().enumerate().map(|(member, due)| async move {
            let first = group.arrive(member, *due).await;
            if matches!(first, Admission::Wait | Admission::Go) {
                return vec![first];
            }
            if up(member) {
                group.report_up();
            } else {
                group.report_down();
            }
            match first {
                Admission::Probe if group.released().await => vec![first, Admission::Go],
                _ => vec![first],
            }
        });
        join_all(members).await
    }

    #[tokio::test]
    async fn the_one_with_most_due_goes_first_and_releases_the_others() {
        let admissions = admissions(&[3, 9, 0], |_| true).await;
        assert_eq!(
            admissions,
            [[Admission::Go], [Admission::Lead], [Admission::Wait]]
        );
    }

    #[tokio::test]
    async fn at_most_five_others_try_where_the_first_found_it_down() {
        let admissions = admissions(&[1, 2, 3, 4, 5, 6, 7, 8], |_| false).await;
        let probes = admissions
            .iter()
            .filter(|each| each[..] == [Admission::Probe]);
        assert_eq!(probes.count(), 5);
        assert_eq!(admissions[7], [Admission::Lead]);
        assert_eq!(
            (&admissions[0], &admissions[1]),
            (&vec![Admission::Wait], &vec![Admission::Wait])
        );
    }

    #[tokio::test]
    async fn any_success_releases_the_group() {
        let admissions = admissions(&[1, 2, 3, 4, 5, 6, 7, 8], |member| member == 4).await;
        assert_eq!(admissions[0], [Admission::Go]);
        assert_eq!(admissions[4], [Admission::Probe, Admission::Go]);
    }

    #[tokio::test]
    async fn no_member_waits_for_one_that_has_left() {
        for gone_first in [true, false] {
            let group = ReceiverGroup::new(3);
            let leader = async {
                if gone_first {
                    group.leave(0);
                    return;
                }
                assert_eq!(group.arrive(0, 9).await, Admission::Lead);
                group.leave(0);
            };
            let others = join_all([1, 2].map(|member| {
                let group = &group;
                async move {
                    let admission = group.arrive(member, 1).await;
                    match admission {
                        Admission::Lead => group.report_up(),
                        Admission::Probe => group.report_down(),
                        Admission::Go | Admission::Wait => {}
                    }
                    admission
                }
            }));
            let (_, admissions) = futures_util::join!(leader, others);
            let expected = if gone_first {
                [Admission::Lead, Admission::Go]
            } else {
                [Admission::Probe; 2]
            };
            assert_eq!(admissions, expected);
        }
    }

    #[test]
    fn a_receiver_is_down_only_if_a_member_found_it_down() {
        let group = ReceiverGroup::new(3);
        group.report_no_success();
        assert!(!group.is_down());
        group.report_down();
        assert!(group.is_down());
        group.report_up();
        assert!(!group.is_down());
    }

    #[tokio::test]
    async fn a_single_member_leads() {
        assert_eq!(admissions(&[1], |_| false).await, [[Admission::Lead]]);
        assert_eq!(admissions(&[0], |_| false).await, [[Admission::Wait]]);
    }
}
