use super::*;
use crate::model::{AttemptId, Guid};
use crate::model::{FailedDelivery, FirstAttempt, LatestAttempt};
use crate::model::{Refusals, UnconfirmedRedelivery};

fn at(second: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_790_000_000 + second, 0).unwrap()
}

fn failure(n: u64) -> FailedDelivery {
    FailedDelivery {
        guid: Guid::new(&format!("{n:08x}-0000-11f0-8abc-79b97f4a7c15")),
        newest: LatestAttempt {
            id: AttemptId(3_804_004_623_172_239_366 + n),
            at: at(9),
            pending: false,
            status: "timed out".into(),
            code: Some(504),
            event: "push".into(),
            action: None,
        },
        first: FirstAttempt::At(at(n as i64)),
        attempts: Vec::new(),
        earlier_redeliveries: 3,
        earlier_failures_while_up: 1,
    }
}

fn state() -> State {
    State::new(vec!["acme".into()], at(0), at(50))
}

const CHECKPOINT: &str = "1790000000000";
const LARGEST: usize = 40_000;

#[test]
fn a_state_is_read_as_it_was_written() {
    let mut memory = Memory::new(at(5), at(4));
    memory.add_open(&failure(1), 3, 1, 1);
    let clear = UnconfirmedRedelivery {
        at: at(7),
        unclear: false,
    };
    let unclear = UnconfirmedRedelivery {
        at: at(8),
        unclear: true,
    };
    memory.add_unconfirmed(&failure(2).guid, clear);
    memory.add_unconfirmed(&failure(3).guid, clear);
    memory.add_unconfirmed(&failure(3).guid, unclear);
    memory.add_lost(&failure(4).guid);
    let refusals = Refusals {
        passes: 2,
        first: at(6),
        last: at(9),
    };
    memory.set_refusals(&failure(1).guid, Some(refusals));
    let mut state = state();
    state.remember("acme/1".into(), memory);
    let text = state.clone().text(CHECKPOINT, LARGEST);
    let read = State::read(&text, "1790000000000", at(0)).unwrap();
    state.checkpoint = CHECKPOINT.into();
    assert_eq!(read, state);
    let memory = read.memory("acme/1");
    assert_eq!(memory.open().failures, [failure(1)]);
    assert_eq!(memory.open().counted_until, Some(at(4)));
    assert_eq!(memory.refusals()[&failure(1).guid], refusals);
    assert_eq!(memory.read_until(), Some(at(5)));
    assert_eq!(memory.unconfirmed(&failure(2).guid), Some(clear));
    assert_eq!(
        memory.unconfirmed(&failure(3).guid),
        Some(unclear),
        "the newest"
    );
    assert_eq!(memory.unconfirmed(&failure(4).guid), None);
    assert!(memory.is_lost(&failure(4).guid) && !memory.is_lost(&failure(1).guid));
}

#[test]
fn probes_count_in_a_pass_that_does_not_read_the_log() {
    let mut memory = Memory::new(at(5), at(4));
    memory.add_open(&failure(1), 3, 1, 1);
    let mut probed = FailedDelivery {
        earlier_redeliveries: 4,
        ..failure(1)
    };
    (probed.newest.id, probed.newest.at) = (AttemptId(77), at(99));
    memory.update(&probed, 2);
    let numbers = |failures: Vec<FailedDelivery>| {
        let FailedDelivery {
            earlier_redeliveries,
            earlier_failures_while_up,
            newest,
            ..
        } = &failures[0];
        (*earlier_redeliveries, *earlier_failures_while_up, newest.at)
    };
    assert_eq!(numbers(memory.open().failures), (3, 1, at(99)));
    assert_eq!(numbers(memory.open_unread()), (4, 2, at(99)));
}

#[test]
fn a_damaged_or_newer_state_or_one_of_another_checkpoint_is_ignored() {
    let text = state().text(CHECKPOINT, LARGEST);
    assert!(State::read(&text, "1790000000000", at(0)).is_some());
    assert_eq!(State::read(&text, "1790000000001", at(0)), None);
    assert_eq!(State::read(&text[1..], "1790000000000", at(0)), None);
    assert_eq!(State::read("", "1790000000000", at(0)), None);
    let newer = text.replace("\"version\":1", "\"version\":2");
    assert_eq!(State::read(&newer, "1790000000000", at(0)), None);
}

#[test]
fn a_damaged_entry_has_only_its_webhook_read_anew() {
    let mut memory = Memory::new(at(5), at(4));
    memory.add_open(&failure(1), 3, 1, 1);
    memory.add_lost(&failure(2).guid);
    let unconfirmed = UnconfirmedRedelivery {
        at: at(7),
        unclear: false,
    };
    memory.add_unconfirmed(&failure(3).guid, unconfirmed);
    let mut state = state();
    let mut other = Memory::new(at(6), at(4));
    other.add_unconfirmed(&failure(4).guid, unconfirmed);
    state.remember("acme/1".into(), memory);
    state.remember("acme/2".into(), other.clone());
    let text = state.text(CHECKPOINT, LARGEST);
    assert!(State::read(&text, CHECKPOINT, at(0)).is_some());
    let (before, rest) = text.split_once("\"acme/1\":").unwrap();
    let (entry, after) = rest.split_once(",\"acme/2\"").unwrap();
    let damaged = [
        ("\"made\":3", "\"made\":18446744073709551615"),
        ("\"made\":3", "\"made\":\"three\""),
        ("\"made\":3,", ""),
        ("\"counted\":1,", "\"counted\":18446744073709551615,"),
        ("\"read\":1790000005000", "\"read\":0"),
        ("\"id\":\"3804", "\"id\":\"x3804"),
        ("\"settled\":\"5", "\"settled\":\""),
        ("\"guids\":\"c", "\"guids\":\"x"),
        (entry, "null"),
        (entry, "[]"),
        (entry, "{}"),
        (entry, "\"\""),
    ];
    for (sound, odd) in damaged {
        assert!(entry.contains(sound), "{sound} in {entry}");
        let entry = entry.replace(sound, odd);
        let text = format!("{before}\"acme/1\":{entry},\"acme/2\"{after}");
        let read = State::read(&text, CHECKPOINT, at(-60)).unwrap();
        assert_eq!(
            *read.memory("acme/1"),
            Memory::new(at(-60), at(-60) - OVERLAP)
        );
        assert_eq!(*read.memory("acme/2"), other, "{odd}");
        assert_eq!(read.memory("acme/3").read_until(), Some(at(50)), "{odd}");
    }
    for (sound, odd) in [
        ("\"began\":1790000000000", "\"began\":0"),
        ("\"webhooks\":", "\"w\":"),
    ] {
        assert!(text.contains(sound), "{sound} in {text}");
        assert_eq!(
            State::read(&text.replace(sound, odd), CHECKPOINT, at(0)),
            None
        );
    }
}

#[test]
fn targets_share_an_owner_or_a_webhook() {
    let of = |target: &str| state().shares_targets(&[target.into()]);
    assert!(of("acme") && of("acme webhook 1") && of("acme/ops") && of("acme/*") && of("*"));
    assert!(!of("beta") && !of("acme-2") && !of("beta/1") && !of("!acme"));
    let mut state = state();
    state.targets.push("?1".into());
    let with = |pattern: &str| state.shares_targets(&["acme".into(), pattern.into()]);
    assert!(with("?1") && with("!acme/x") && !with("?2"));
}

#[test]
fn a_webhook_that_is_not_listed_has_the_common_time() {
    let mut state = state();
    state.remember("acme/1".into(), Memory::new(at(50), at(50) - OVERLAP));
    state.remember("acme/2".into(), Memory::new(at(9), at(9) - OVERLAP));
    state.remember_unread("Acme/Ops", None, at(7));
    let text = state.text(CHECKPOINT, LARGEST);
    assert!(
        !text.contains("acme/1"),
        "a webhook like all others is not listed: {text}"
    );
    let read = State::read(&text, CHECKPOINT, at(0)).unwrap();
    let until = |webhook: &str| read.memory(webhook).read_until().unwrap();
    assert_eq!(until("acme/1"), at(50));
    assert_eq!(until("acme/2"), at(9));
    assert_eq!(until("acme/3"), at(50));
    assert_eq!(until("acme/ops/4"), at(7));
    assert_eq!(until("acme/web/4"), at(50));
    let mut later = State::new(vec!["acme".into()], at(99), at(99));
    later.remember_unread("acme/ops", Some(&read), at(50));
    assert_eq!(later.memory("acme/ops/4").read_until(), Some(at(7)));
}

#[test]
fn an_unread_webhook_is_remembered_as_long_as_github_redelivers_its_deliveries() {
    let mut state = state();
    let mut open = Memory::new(at(50), at(40));
    open.add_open(&failure(20), 0, 0, 0);
    state.remember("acme/1".into(), open);
    state.remember("acme/2".into(), Memory::new(at(30), at(20)));
    let keep = |retention_start| {
        let mut next = State::new(vec!["acme".into()], at(90), at(90));
        next.remember("acme/3".into(), Memory::new(at(1), at(1)));
        next.keep(&state, retention_start);
        let holds = next.holds(&HashSet::from(["acme/3".into()]), retention_start);
        (next.memory("acme/1").open().failures.len(), holds)
    };
    assert_eq!(keep(at(10)), (1, Some(at(20))));
    assert_eq!(keep(at(25)), (0, Some(at(30))));
    assert_eq!(keep(at(60)), (0, None));
}

#[test]
fn thousands_of_webhooks_fit_whatever_their_memory() {
    let mut state = state();
    for n in 0..5_000 {
        let mut memory = Memory::new(at(n), at(n));
        memory.add_open(&failure(n as u64), 0, 0, 0);
        state.remember(format!("acme/repository-{n}/{n}"), memory);
    }
    let text = state.clone().text(CHECKPOINT, LARGEST);
    assert!(text.len() <= LARGEST, "{}", text.len());
    let read = State::read(&text, CHECKPOINT, at(0)).unwrap();
    assert_eq!(read.memory("acme/repository-7/7").read_until(), Some(at(0)));
    assert!(
        state
            .text(CHECKPOINT, usize::MAX)
            .contains("repository-4999")
    );
}

#[test]
fn a_state_that_is_too_large_leaves_out_deliveries_of_the_webhooks_with_most() {
    let mut state = state();
    let mut small = Memory::new(at(100_000), at(99_000));
    small.add_open(&failure(1), 0, 0, 0);
    state.remember("acme/1".into(), small);
    let mut large = Memory::new(at(100_000), at(99_000));
    for n in 5..5_000 {
        large.add_open(&failure(n), 0, 0, 0);
    }
    for n in 0..2_000 {
        large.add_unconfirmed(
            &failure(n).guid,
            UnconfirmedRedelivery {
                at: at(7),
                unclear: false,
            },
        );
    }
    state.remember("acme/2".into(), large);
    let text = state.text(CHECKPOINT, LARGEST);
    assert!(text.len() <= LARGEST, "{}", text.len());
    let read = State::read(&text, "1790000000000", at(0)).unwrap();
    assert_eq!(read.memory("acme/1").open().failures.len(), 1);
    let large = read.memory("acme/2");
    let kept = large.open().failures;
    assert!(
        kept.len() > 20
            && kept
                .iter()
                .all(|kept| kept.first >= FirstAttempt::At(at(4_000)))
    );
    assert_eq!(large.read_until(), Some(at(9)), "the newest attempt of all");
    assert_eq!(
        large.known_until(),
        Some(at(100_000)),
        "reading from an earlier time forgets nothing"
    );
    assert!(large.unconfirmed(&failure(1_999).guid).is_some());
}

#[test]
fn the_time_before_which_nothing_was_delivered_is_stored_only_if_it_is_later_than_the_time_read() {
    let mut memory = Memory::new(at(50), at(40));
    assert_eq!(memory.known_until(), Some(at(50)));
    memory.know_until(at(70));
    memory.add_unconfirmed(
        &failure(1).guid,
        UnconfirmedRedelivery {
            at: at(7),
            unclear: false,
        },
    );
    let mut same = memory.clone();
    same.know_until(at(50));
    let mut state = state();
    state.remember("acme/1".into(), memory);
    state.remember("acme/2".into(), same);
    let text = state.text(CHECKPOINT, LARGEST);
    let read = State::read(&text, CHECKPOINT, at(0)).unwrap();
    let known = ["acme/1", "acme/2"].map(|webhook| read.memory(webhook).known_until());
    assert_eq!(known, [Some(at(70)), Some(at(50))]);
    assert_eq!(text.matches("known").count(), 1, "{text}");
}

#[test]
fn unread_owners_take_no_room_from_unconfirmed_redeliveries() {
    let mut state = state();
    let mut memory = Memory::new(at(50), at(40));
    let unconfirmed = UnconfirmedRedelivery {
        at: at(7),
        unclear: false,
    };
    memory.add_unconfirmed(&failure(1).guid, unconfirmed);
    memory.add_lost(&failure(2).guid);
    state.remember("acme/1".into(), memory);
    for n in 0..1_500 {
        state.remember_unread(&format!("acme/repository-{n}"), None, at(n));
    }
    let held = state.holds(&HashSet::from(["acme/1".into()]), at(3));
    assert_eq!(held, Some(at(3)));
    let read = State::read(&state.text(CHECKPOINT, LARGEST), CHECKPOINT, at(0)).unwrap();
    let memory = read.memory("acme/1");
    assert_eq!(memory.unconfirmed(&failure(1).guid), Some(unconfirmed));
    assert!(memory.is_lost(&failure(2).guid));
    assert_eq!(read.memory("acme/repository-7/7").read_until(), Some(at(0)));
}

#[test]
fn rows_reported_as_unreadable_are_remembered_and_left_out_first() {
    let digits = |n: u64| failure(n).guid.fingerprint();
    let rows: Vec<_> = (0..100)
        .map(|n| (digits(n % 50), at(n as i64 / 25)))
        .collect();
    let mut memory = Memory::new(at(5), at(4));
    memory.add_open(&failure(1), 3, 1, 1);
    memory.know_until(at(9));
    memory.set_unreadable(&rows);
    let mut state = state();
    state.remember("acme/1".into(), memory);
    let text = state.clone().text(CHECKPOINT, LARGEST);
    let read = State::read(&text, CHECKPOINT, at(0)).unwrap();
    let memory = read.memory("acme/1");
    assert_eq!(memory.unreadable().len(), 50);
    assert_eq!(memory.unreadable()[&*digits(0)], [at(2), at(0)]);
    assert_eq!(memory.unreadable()[&*digits(49)], [at(3), at(1)]);
    assert_eq!(memory.judged_until(), Some(at(9)));

    let shorter = state.text(CHECKPOINT, text.len() - 1);
    let read = State::read(&shorter, CHECKPOINT, at(0)).unwrap();
    let memory = read.memory("acme/1");
    assert!(memory.unreadable().is_empty());
    assert_eq!(memory.unreadable_left_out(), Some(at(3)));
    assert_eq!(memory.open().failures, [failure(1)]);
    assert_eq!(memory.judged_until(), Some(at(9)));

    let damaged = text.replacen(&digits(0), &digits(0)[1..], 1);
    let read = State::read(&damaged, CHECKPOINT, at(0));
    assert!(read.is_none_or(|read| read.memory("acme/1").unreadable().is_empty()));
}

#[test]
fn refused_deliveries_are_left_out_after_all_others() {
    let refusals = Refusals {
        passes: 1,
        first: at(6),
        last: at(9),
    };
    let mut kept = state();
    for pass in 0..4 {
        let mut memory = kept.memory("acme/1").into_owned();
        for n in pass * 400..(pass + 1) * 400 {
            memory.add_open(&failure(n), 0, 0, 0);
            if n < 3 {
                memory.set_refusals(&failure(n).guid, Some(refusals));
            }
        }
        kept.remember("acme/1".into(), memory);
        let text = kept.text(CHECKPOINT, LARGEST);
        assert!(text.len() <= LARGEST);
        kept = State::read(&text, CHECKPOINT, at(0)).unwrap();
        let memory = kept.memory("acme/1");
        assert!(memory.open().failures.len() > 50);
        assert_eq!(memory.refusals().len(), 3, "pass {pass}");
    }
}
