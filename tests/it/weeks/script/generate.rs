//! A week, as a seed decides it.

use std::collections::BTreeSet;

use super::{Delivery, Event, HOUR, Hook, MINUTE, Pass, Refusals, Script};
use crate::weeks::random::Random;

const DAY: i64 = 24 * HOUR;

/// The length of a week.
const END: i64 = 7 * DAY;

/// When trouble ends: in the last hours nothing goes wrong any more.
const BUSY: i64 = END - 10 * HOUR;

/// A kind of trouble that makes a week hard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::weeks) enum Trouble {
    Outages,
    Blips,
    Poison,
    Lag,
    LongLag,
    Shuffled,
    Faults,
    Limits,
    Skipped,
    Overlaps,
    Kills,
    Unwritable,
    ByHand,
    Skew,
    Tampered,
    Refused,
    Expired,
    SwitchedOff,
    SlowReceiver,
    MoreWebhooks,
    NoCheckpoint,
    Latency,
    Hostile,
    RefusedDeliveries,
    ForeignLinks,
    CutBodies,
    NoLimitHeaders,
    SlowLog,
}

impl Trouble {
    pub(in crate::weeks) const ALL: [Self; 28] = [
        Self::Outages,
        Self::Blips,
        Self::Poison,
        Self::Lag,
        Self::LongLag,
        Self::Shuffled,
        Self::Faults,
        Self::Limits,
        Self::Skipped,
        Self::Overlaps,
        Self::Kills,
        Self::Unwritable,
        Self::ByHand,
        Self::Skew,
        Self::Tampered,
        Self::Refused,
        Self::Expired,
        Self::SwitchedOff,
        Self::SlowReceiver,
        Self::MoreWebhooks,
        Self::NoCheckpoint,
        Self::Latency,
        Self::Hostile,
        Self::RefusedDeliveries,
        Self::ForeignLinks,
        Self::CutBodies,
        Self::NoLimitHeaders,
        Self::SlowLog,
    ];

    /// The share of weeks that have it, in percent.
    fn share(self) -> i64 {
        match self {
            Self::Outages => 90,
            Self::Blips | Self::Latency => 60,
            Self::LongLag => 5,
            Self::NoCheckpoint => 8,
            Self::Overlaps | Self::Limits | Self::SlowReceiver | Self::SlowLog => 20,
            Self::RefusedDeliveries | Self::ForeignLinks | Self::CutBodies => 25,
            Self::NoLimitHeaders => 15,
            _ => 45,
        }
    }
}
impl Script {
    pub(in crate::weeks) fn of(seed: u64, without: &BTreeSet<Trouble>) -> Self {
        let has = |trouble: Trouble| {
            let mut draw = Random::new(seed, 100 + trouble as u64);
            let there = draw.chance(trouble.share()) && !without.contains(&trouble);
            there.then_some(draw)
        };
        let mut draw = Random::new(seed, 0);
        let every = match draw.within(0..100) {
            // A lag matters if a pass comes before the log has caught up.
            share if has(Trouble::LongLag).is_some() => [5, 10, 10, 15][share as usize % 4],
            0..1 => 5,
            1..3 => 10,
            3..8 => 15,
            8..15 => 20,
            15..35 => 30,
            _ => 60,
        };
        let count = has(Trouble::MoreWebhooks).map_or(1, |mut draw| draw.within(2..4));
        let same_host = draw.chance(40);
        let hooks = (0..count).map(|n| hook(seed, n, same_host, &has));
        let mut script = Self {
            seed,
            hooks: hooks.collect(),
            passes: Vec::new(),
            events: Vec::new(),
            lag: has(Trouble::Lag).map_or(0, |mut draw| draw.one_of(&[5, 45, 300])),
            page: draw.one_of(&[8, 20, 20, 20, 40]) as usize,
            shuffled: has(Trouble::Shuffled).is_some(),
            latency: has(Trouble::Latency).map_or(0, |mut draw| draw.within(10..400)),
            redelivery_delay: has(Trouble::SlowReceiver).map_or(0, |mut draw| draw.within(1..10)),
            confirm: draw.one_of(&[15, 15, 60]),
            max_redeliveries: draw.one_of(&[3, 10, 10]) as usize,
            keeps_checkpoint: has(Trouble::NoCheckpoint).is_none(),
            hostile: has(Trouble::Hostile).is_some(),
            foreign_links: has(Trouble::ForeignLinks).is_some(),
            no_limit_headers: has(Trouble::NoLimitHeaders).is_some(),
            tells_requests: false,
        };
        if has(Trouble::LongLag).is_some() {
            script.lag = 15 * MINUTE;
        } else if let Some(mut draw) = has(Trouble::SlowLog) {
            script.lag = draw.within(2 * script.confirm..10 * MINUTE);
        }
        script.passes(seed, every * MINUTE, &has);
        script.events(&has);
        script
    }

    fn passes(&mut self, seed: u64, every: i64, has: &impl Fn(Trouble) -> Option<Random>) {
        let (mut skipped, mut overlaps) = (has(Trouble::Skipped), has(Trouble::Overlaps));
        let (mut kills, mut unwritable) = (has(Trouble::Kills), has(Trouble::Unwritable));
        let (mut refused, mut skew) = (has(Trouble::Refused), has(Trouble::Skew));
        let mut expired = has(Trouble::Expired);
        let faults = has(Trouble::Faults).map_or(0, |mut draw| draw.within(1..31));
        let mut limit = has(Trouble::Limits);
        let limits = has(Trouble::Limits).map_or(0, |mut draw| draw.within(1..4));
        let cuts = has(Trouble::CutBodies).map_or(0, |mut draw| draw.within(1..21));
        let draw = |of: &mut Option<Random>, percent| {
            of.as_mut().map(|draw| (draw.chance(percent), draw.next()))
        };
        let mut at = 5 * MINUTE;
        while at < END {
            let n = self.passes.len() as u64;
            let mut pass = Pass {
                at,
                draws: Random::new(seed, 1_000 + n).next(),
                ..Pass::default()
            };
            let (late, lateness) = draw(&mut skipped, 20).unwrap_or_default();
            let (killed, kill) = draw(&mut kills, 15).unwrap_or_default();
            let (hindered, hindrance) = draw(&mut unwritable, 10).unwrap_or_default();
            let (is_refused, refusal) = draw(&mut refused, 8).unwrap_or_default();
            let (overlapped, overlap) = draw(&mut overlaps, 15).unwrap_or_default();
            let (expires, expiry) = draw(&mut expired, 8).unwrap_or_default();
            let (used_up, left) = draw(&mut limit, 5).unwrap_or_default();
            let (_, skewed) = draw(&mut skew, 0).unwrap_or_default();
            if at < BUSY {
                if late && lateness % 3 == 0 {
                    at += every;
                    continue;
                }
                pass.at += if late {
                    (lateness % (every as u64)) as i64
                } else {
                    0
                };
                pass.killed = killed.then_some((1 + (kill % 24) as usize, kill & 64 == 0));
                let what = ["/variables", "_STATE"][(hindrance & 1) as usize];
                pass.unwritable = hindered.then(|| {
                    (
                        what.to_owned(),
                        [403, 500, 422][(hindrance / 2 % 3) as usize],
                    )
                });
                let list = ["/hooks?", "/deliveries?"][(refusal & 1) as usize];
                pass.refused = is_refused
                    .then(|| (list.to_owned(), [403, 404, 500][(refusal / 2 % 3) as usize]));
                pass.expired = expires.then_some(1 + (expiry % 16) as usize);
                pass.used_up =
                    used_up.then_some(((left % 20) as u32, (60 + left / 32 % 2_400) as i64));
                pass.overlapped = overlapped.then_some((overlap % 20) as i64);
                (pass.faults, pass.limits, pass.cuts) = (faults, limits, cuts);
            }
            if skewed != 0 {
                pass.skew = (skewed % 172_800) as i64 - 86_400;
            }
            at = pass.at.max(at) + every;
            self.passes.push(pass);
        }
    }

    fn events(&mut self, has: &impl Fn(Trouble) -> Option<Random>) {
        if let Some(mut draw) = has(Trouble::ByHand) {
            for _ in 0..draw.within(1..25) {
                // Half of them while a pass is at work.
                let pass = self.passes[draw.within(0..self.passes.len() as i64) as usize].at;
                let at = if draw.chance(50) {
                    pass + draw.within(0..8)
                } else {
                    draw.within(0..BUSY)
                };
                let hook = draw.within(0..self.hooks.len() as i64) as usize;
                self.events.push((at, Event::ByHand(hook, draw.next())));
            }
        }
        if let Some(mut draw) = has(Trouble::Tampered) {
            for _ in 0..draw.within(1..12) {
                let event = match draw.within(0..3) {
                    0 => Event::StateLost,
                    1 => Event::StateCut(draw.within(1..400) as usize),
                    _ => Event::StatePutBack(draw.within(1..6) as usize),
                };
                self.events.push((draw.within(0..BUSY), event));
            }
        }
        self.events.sort_by_key(|(at, _)| *at);
    }
}

fn hook(seed: u64, n: i64, same_host: bool, has: &impl Fn(Trouble) -> Option<Random>) -> Hook {
    let mut own = Random::new(seed, 10 + n as u64);
    let of = |trouble| has(trouble).map(|mut draw| Random::new(draw.next(), n as u64));
    let stretches = |mut draw: Random, most: i64, longest: i64| {
        let stretches = (0..draw.within(1..most)).map(|_| {
            let from = draw.within(0..BUSY);
            let long = draw.within(10 * MINUTE..longest);
            from..(from + long).min(BUSY)
        });
        stretches.collect::<Vec<_>>()
    };
    let outages = of(Trouble::Outages).map_or(Vec::new(), |mut draw| {
        let longest = draw.one_of(&[HOUR, 6 * HOUR, 40 * HOUR, 60 * HOUR]);
        stretches(draw, 6, longest)
    });
    let off = of(Trouble::SwitchedOff).map_or(Vec::new(), |draw| stretches(draw, 4, 6 * HOUR));
    let refusals = of(Trouble::RefusedDeliveries).map_or(Vec::new(), |mut draw| {
        let longest = draw.one_of(&[HOUR, 6 * HOUR, 40 * HOUR]);
        let stretches = stretches(Random::new(draw.next(), 0), 6, longest);
        let refused = stretches.into_iter().map(|during| Refusals {
            during,
            status: draw.one_of(&[400, 403, 404, 404, 409, 410, 422, 422]),
            one_in: draw.one_of(&[1, 2, 3, 5, 11]),
        });
        refused.collect()
    });
    let (mut blips, mut poison) = (of(Trouble::Blips), of(Trouble::Poison));
    let (often, poisonous) = (own.within(1..30), own.within(1..8));
    let every = own.one_of(&[10, 30, 60, 120, 240]) * MINUTE;
    let mut deliveries = Vec::new();
    let mut at = own.within(0..every);
    while at < END {
        let hits =
            |of: &mut Option<Random>, percent| of.as_mut().is_some_and(|draw| draw.chance(percent));
        let delivery = Delivery {
            at,
            guid: deliveries.len() as u64,
            blip: hits(&mut blips, often) && at < BUSY,
            poisoned: hits(&mut poison, poisonous) && at < BUSY,
        };
        if !off.iter().any(|off| off.contains(&at)) {
            deliveries.push(delivery);
        }
        at += own.within(every / 4..every * 7 / 4);
    }
    Hook {
        host: if same_host { 0 } else { n },
        outages,
        off,
        refusals,
        deliveries,
    }
}
