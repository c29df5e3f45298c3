//! Webhooks of one receiver are a group: while it is down, most of them need not find out themselves.
//!
//! The one with most due goes first. If it finds the receiver down, up to five others try one delivery
//! each: a path may be broken where the host is not. Any success releases the group.

use std::sync::Mutex;

use crate::lock::lock;
use crate::watched::Watched;

/// Most webhooks that try one delivery each after the first found the receiver down.
const PROBES: usize = 5;

/// The webhooks of one receiver.
#[derive(Debug)]
pub struct Group {
    members: usize,
    state: Mutex<State>,
    phase: Watched<Phase>,
}

#[derive(Debug, Default)]
struct State {
    /// What each member that has arrived has due, and its number.
    arrived: Vec<(usize, usize)>,
    probes_left: usize,
    /// A member saw the receiver fail, and nothing else.
    seen_down: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Not all have read their logs.
    Gathering,
    /// The first has gone ahead.
    Led,
    /// The first found the receiver down.
    Probing,
    Up,
    Down,
}

/// What a member may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum May {
    /// All that it has due, and to say what it found.
    Lead,
    /// All that it has due.
    Go,
    /// One delivery, and then ask again.
    Probe,
    /// Nothing: the receiver is down.
    Wait,
}

impl Group {
    /// A group of so many.
    pub fn new(members: usize) -> Self {
        Self {
            members,
            state: Mutex::default(),
            phase: Watched::new(Phase::Gathering),
        }
    }

    /// Says that `member` has read its log and has so much due, and waits for its turn.
    pub async fn arrive(&self, member: usize, due: usize) -> May {
        let all_here = {
            let mut state = lock(&self.state);
            state.arrived.push((due, member));
            state.arrived.len() == self.members
        };
        if all_here {
            self.lead();
        }
        if due == 0 {
            return May::Wait;
        }
        self.phase
            .wait_for(|phase| match (phase, self.rank(member)) {
                (Phase::Up, _) => Some(May::Go),
                (Phase::Led, 0) => Some(May::Lead),
                (Phase::Down, _) => Some(May::Wait),
                (Phase::Probing, 1..=PROBES) => Some(May::Probe),
                _ => None,
            })
            .await
    }

    /// Says that a member goes no further, whatever it was at: nobody must wait for it.
    pub fn gone(&self, member: usize) {
        let (arrived, all_here) = {
            let mut state = lock(&self.state);
            let arrived = state.arrived.iter().any(|(_, each)| *each == member);
            if !arrived {
                state.arrived.push((0, member));
            }
            (arrived, state.arrived.len() == self.members)
        };
        if arrived {
            self.found_no_success();
        } else if all_here {
            self.lead();
        }
    }

    /// All have read their logs: the one with most due goes first.
    fn lead(&self) {
        // Of those that have the same, in the order of their numbers.
        lock(&self.state)
            .arrived
            .sort_unstable_by_key(|(due, member)| (std::cmp::Reverse(*due), *member));
        self.phase.change(|phase| *phase = Phase::Led);
    }

    /// Waits for what a probe that found nothing must know: whether another found more.
    pub async fn released(&self) -> bool {
        self.phase
            .wait_for(|phase| match phase {
                Phase::Up => Some(true),
                Phase::Down => Some(false),
                Phase::Gathering | Phase::Led | Phase::Probing => None,
            })
            .await
    }

    /// Where a member stands by what it has due.
    fn rank(&self, member: usize) -> usize {
        let state = lock(&self.state);
        let rank = state.arrived.iter().position(|(_, each)| *each == member);
        rank.unwrap_or(usize::MAX)
    }

    /// The receiver accepts deliveries, or nobody can say that it does not.
    pub fn found_up(&self) {
        self.phase.change(|phase| *phase = Phase::Up);
    }

    /// A member found the receiver down.
    pub fn found_down(&self) {
        lock(&self.state).seen_down = true;
        self.found_no_success();
    }

    /// Whether a member found the receiver down and none found it up.
    pub fn is_down(&self) -> bool {
        lock(&self.state).seen_down && self.phase.get() != Phase::Up
    }

    /// A member found out nothing: GitHub gave no answer, refused, or its log showed no outcome.
    pub fn found_no_success(&self) {
        let mut state = lock(&self.state);
        self.phase.change(|phase| match phase {
            Phase::Led => {
                let others = state.arrived.iter().skip(1);
                state.probes_left = others.filter(|(due, _)| *due > 0).count().min(PROBES);
                *phase = if state.probes_left == 0 {
                    Phase::Down
                } else {
                    Phase::Probing
                };
            }
            Phase::Probing => {
                state.probes_left = state.probes_left.saturating_sub(1);
                if state.probes_left == 0 {
                    *phase = Phase::Down;
                }
            }
            Phase::Gathering | Phase::Up | Phase::Down => {}
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::future::join_all;

    /// What every member was allowed, where those that go find the receiver as `up` says.
    async fn turns(due: &[usize], up: impl Fn(usize) -> bool) -> Vec<Vec<May>> {
        let group = Group::new(due.len());
        let (group, up) = (&group, &up);
        let members = due.iter().enumerate().map(|(member, due)| async move {
            let first = group.arrive(member, *due).await;
            if matches!(first, May::Wait | May::Go) {
                return vec![first];
            }
            if up(member) {
                group.found_up();
            } else {
                group.found_down();
            }
            match first {
                May::Probe if group.released().await => vec![first, May::Go],
                _ => vec![first],
            }
        });
        join_all(members).await
    }

    #[tokio::test]
    async fn the_one_with_most_due_goes_first_and_releases_the_others() {
        let turns = turns(&[3, 9, 0], |_| true).await;
        assert_eq!(turns, [[May::Go], [May::Lead], [May::Wait]]);
    }

    #[tokio::test]
    async fn at_most_five_others_try_where_the_first_found_it_down() {
        let turns = turns(&[1, 2, 3, 4, 5, 6, 7, 8], |_| false).await;
        let probes = turns.iter().filter(|turn| turn[..] == [May::Probe]);
        assert_eq!(probes.count(), 5);
        assert_eq!(turns[7], [May::Lead]);
        assert_eq!((&turns[0], &turns[1]), (&vec![May::Wait], &vec![May::Wait]));
    }

    #[tokio::test]
    async fn any_success_releases_the_group() {
        let turns = turns(&[1, 2, 3, 4, 5, 6, 7, 8], |member| member == 4).await;
        assert_eq!(turns[0], [May::Go]);
        assert_eq!(turns[4], [May::Probe, May::Go]);
    }

    #[tokio::test]
    async fn nobody_waits_for_one_that_is_gone() {
        for gone_first in [true, false] {
            let group = Group::new(3);
            let leader = async {
                if gone_first {
                    group.gone(0);
                    return;
                }
                assert_eq!(group.arrive(0, 9).await, May::Lead);
                group.gone(0);
            };
            let others = join_all([1, 2].map(|member| {
                let group = &group;
                async move {
                    let may = group.arrive(member, 1).await;
                    match may {
                        May::Lead => group.found_up(),
                        May::Probe => group.found_down(),
                        May::Go | May::Wait => {}
                    }
                    may
                }
            }));
            let (_, turns) = futures_util::join!(leader, others);
            let expected = if gone_first {
                [May::Lead, May::Go]
            } else {
                [May::Probe; 2]
            };
            assert_eq!(turns, expected);
        }
    }

    #[test]
    fn a_receiver_is_down_for_what_was_seen_of_it_alone() {
        let group = Group::new(3);
        group.found_no_success();
        assert!(!group.is_down());
        group.found_down();
        assert!(group.is_down());
        group.found_up();
        assert!(!group.is_down());
    }

    #[tokio::test]
    async fn one_alone_goes() {
        assert_eq!(turns(&[1], |_| false).await, [[May::Lead]]);
        assert_eq!(turns(&[0], |_| false).await, [[May::Wait]]);
    }
}
