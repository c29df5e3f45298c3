//! Properties of every state, and of every text in its place.

use std::collections::HashMap;

use proptest::prelude::*;

use super::*;
use crate::hostile;
use crate::model::{AttemptId, Guid};
use crate::model::{FailedDelivery, FirstAttempt, LatestAttempt};
use crate::model::{Refusals, UnconfirmedRedelivery};

const CHECKPOINT: &str = "1790000000000";

fn at(second: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_790_000_000 + second, 0).unwrap()
}

fn guids() -> impl Strategy<Value = Guid> {
    let uuid = (0..40_u64).prop_map(|n| format!("{n:08x}-0000-11f0-8abc-79b97f4a7c15"));
    prop_oneof![4 => uuid, 1 => hostile::text()].prop_map(|text| Guid::new(&text))
}

prop_compose! {
    fn failures()(
        guid in guids(),
        id in any::<u64>(),
        (first, newest) in (0..90_000_i64, 0..90_000_i64),
        pending in any::<bool>(),
        status in hostile::text(),
        code in proptest::option::of(any::<i64>()),
        action in proptest::option::of(hostile::text()),
        (made, counted) in (0..500_usize, 0..500_usize),
    ) -> FailedDelivery {
        FailedDelivery {
            guid,
            newest: LatestAttempt {
                id: AttemptId(id),
                at: at(newest),
                pending,
                status: status.into(),
                code,
                event: "push".into(),
                action: action.map(Into::into),
            },
            first: FirstAttempt::At(at(first)),
            attempts: Vec::new(),
            earlier_redeliveries: made,
            earlier_failures_while_up: counted,
        }
    }
}

/// The findings of a pass at one webhook.
#[derive(Clone, Debug)]
struct Found {
    read: i64,
    open: Vec<FailedDelivery>,
    unconfirmed: Vec<(Guid, UnconfirmedRedelivery)>,
    lost: Vec<Guid>,
}

prop_compose! {
    fn found()(
        read in 0..90_000_i64,
        open in proptest::collection::vec(failures(), 0..6),
        unconfirmed in proptest::collection::vec((guids(), 0..90_000_i64, any::<bool>()), 0..12),
        lost in proptest::collection::vec(guids(), 0..4),
    ) -> Found {
        let unconfirmed = unconfirmed.into_iter().map(|(guid, second, unclear)| (guid, UnconfirmedRedelivery { at: at(second), unclear }));
        let mut guids = HashSet::new();
        Found {
            read,
            open: open.into_iter().filter(|open| guids.insert(open.guid.clone())).collect(),
            unconfirmed: unconfirmed.collect(),
            lost,
        }
    }
}

impl Found {
    fn memory(&self) -> Memory {
        let mut memory = Memory::new(at(self.read), at(self.read - 1_800));
        memory.know_until(at(self.read + 900 * (self.read % 2)));
        for open in &self.open {
            let counted = open.earlier_failures_while_up;
            memory.add_open(open, open.earlier_redeliveries, counted, counted);
            let refusals = Refusals::add(None, at(self.read), counted > 1);
            let refused = (open.earlier_redeliveries > 1).then_some(refusals);
            memory.set_refusals(&open.guid, refused);
        }
        for (guid, unconfirmed) in &self.unconfirmed {
            memory.add_unconfirmed(guid, *unconfirmed);
        }
        for guid in &self.lost {
            memory.add_lost(guid);
        }
        memory
    }

    /// The time of the last unconfirmed redelivery.
    fn last_request(&self, guid: &Guid) -> Option<DateTime<Utc>> {
        let requests = self
            .unconfirmed
            .iter()
            .filter(|(each, _)| each.fingerprint() == guid.fingerprint());
        requests.map(|(_, request)| request.at).max()
    }
}

type Webhooks = HashMap<String, Found>;

/// A state, and the webhooks that it was made from.
fn states() -> impl Strategy<Value = (State, Webhooks)> {
    let webhooks = proptest::collection::hash_map("(acme|beta/(ops|web))/[1-9]", found(), 0..6);
    let owners = proptest::collection::vec(("beta/(ops|web)|acme", 0..90_000_i64), 0..3);
    (webhooks, owners, 0..90_000_i64).prop_map(|(webhooks, owners, read)| {
        let mut state = State::new(vec!["acme".into(), "beta/*".into()], at(90_000), at(read));
        for (owner, read) in owners {
            state.remember_unread(&owner, None, at(read));
        }
        for (webhook, found) in &webhooks {
            state.remember(webhook.clone(), found.memory());
        }
        (state, webhooks)
    })
}

/// All that a pass does with a state.
fn use_it(state: &State) {
    let retention_start = at(-259_200);
    let mut next = State::new(vec!["acme".into()], at(90_000), state.read_until());
    next.keep(state, retention_start);
    next.keep_unread(state);
    let _ = (
        next.holds(&HashSet::new(), retention_start),
        state.began(),
        state.unconfirmed_since(at(0)),
    );
    let names = state
        .webhooks
        .keys()
        .cloned()
        .chain(["acme/1".into(), "/".into(), String::new()]);
    for webhook in names.collect::<Vec<_>>() {
        let mut memory = state.memory(&webhook).into_owned();
        for mut failure in [memory.open().failures, memory.open_unread()].concat() {
            failure.earlier_redeliveries += 1;
            failure.earlier_failures_while_up += 1;
            let counted = failure.earlier_failures_while_up;
            memory.update(&failure, counted + 1);
            let earlier = memory.refusals().get(&failure.guid).copied();
            let refusals = Refusals::add(earlier, at(1), true);
            memory.set_refusals(&failure.guid, Some(refusals));
            memory.add_open(&failure, failure.earlier_redeliveries, counted, counted);
            memory.add_unconfirmed(
                &failure.guid,
                UnconfirmedRedelivery {
                    at: at(1),
                    unclear: false,
                },
            );
            memory.add_lost(&failure.guid);
            assert!(memory.is_lost(&failure.guid));
        }
        next.remember(webhook, memory);
    }
    next.text(CHECKPOINT, 40_000);
    state.clone().only_unconfirmed().text(CHECKPOINT, 0);
}

proptest! {
    #[test]
    fn a_state_means_the_same_when_it_is_read_again((state, webhooks) in states()) {
        let text = state.clone().text(CHECKPOINT, usize::MAX);
        let read = State::read(&text, CHECKPOINT, at(0)).unwrap();
        for (webhook, found) in &webhooks {
            prop_assert_eq!(&*read.memory(webhook), &found.memory());
            for (guid, _) in &found.unconfirmed {
                let request = read.memory(webhook).unconfirmed(guid).map(|request| request.at);
                prop_assert_eq!(request, found.last_request(guid));
            }
        }
        for webhook in ["acme/77", "beta/ops/77", "gamma/77"] {
            prop_assert_eq!(read.memory(webhook), state.memory(webhook));
        }
        prop_assert_eq!(State::read(&text, "1790000000001", at(0)), None);
        prop_assert_eq!(read.text(CHECKPOINT, usize::MAX), text);
    }

    #[test]
    fn within_any_limit_nothing_open_is_forgotten((state, webhooks) in states(), largest in 0..9_000_usize) {
        let least = State::new(state.targets.clone(), at(90_000), at(0)).text(CHECKPOINT, 0);
        let text = state.text(CHECKPOINT, largest);
        prop_assert!(text.len() <= largest.max(least.len()), "{} of {largest}", text.len());
        let read = State::read(&text, CHECKPOINT, at(0)).unwrap();
        for (webhook, found) in &webhooks {
            let memory = read.memory(webhook);
            let until = memory.read_until().unwrap();
            prop_assert!(until <= at(found.read));
            // An open delivery is remembered, or its newest attempt is read again.
            let remembered = memory.open().failures;
            let open = found.open.iter().filter(|open| !found.memory().is_lost(&open.guid));
            for open in open {
                let is_remembered = remembered.iter().any(|each| each.guid == open.guid);
                prop_assert!(is_remembered || until <= open.newest.at, "{webhook} {:?}", open.guid);
            }
        }
    }

    #[test]
    fn any_text_is_a_usable_state_or_ignored(
        damaged in states().prop_map(|(state, _)| state.text(CHECKPOINT, usize::MAX)).prop_flat_map(|text| {
            prop_oneof![Just(text.clone()), hostile::mutated(text)]
        }),
        number in proptest::sample::select(
            &["-1", "0", "1e99", "18446744073709551615", "9223372036854775807", "-9223372036854775808", "null", "\"\"", "1790000000001"][..]
        ),
        field in proptest::sample::select(
            &["made", "counted", "known", "probes", "read", "began", "first", "at", "id", "minute", "guids", "code", "acme", "version"][..]
        ),
        place in any::<proptest::sample::Index>(),
    ) {
        // Most of a state's meaning depends on its numbers.
        let field = format!("\"{field}\":");
        let numbers: Vec<_> = damaged.match_indices(&field).map(|(at, _)| at + field.len()).collect();
        let replaced = (!numbers.is_empty()).then(|| {
            let at = numbers[place.index(numbers.len())];
            let end = damaged[at..].find([',', '}']).map_or(damaged.len(), |end| at + end);
            [&damaged[..at], number, &damaged[end..]].concat()
        });
        for text in [Some(damaged.clone()), replaced].into_iter().flatten() {
            if let Some(state) = State::read(&text, CHECKPOINT, at(0)) {
                use_it(&state);
                let open: usize = state.webhooks.values().map(|memory| memory.open.len()).sum();
                let read: usize = state.webhooks.values().map(|memory| memory.open().failures.len()).sum();
                prop_assert_eq!(read, open, "all open deliveries can be requested");
            }
        }
    }
}
