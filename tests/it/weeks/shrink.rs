//! Cuts a failing week down to one that a person can read.

use std::collections::BTreeSet;
use std::fmt::Write;

use super::script::{Script, Trouble};
use super::{week, wrong_with};

/// The most weeks that are played to find the smallest.
const MOST: usize = 1_500;

struct Shrinking {
    least: Script,
    played: usize,
    /// The first words of the first complaint. A week that fails differently has another defect.
    kind: String,
}

/// A complaint without its numbers.
fn kind(wrong: &[String]) -> String {
    let first_words = wrong.iter().flat_map(|wrong| {
        wrong
            .split(' ')
            .filter(|word| !word.contains(|each: char| each.is_ascii_digit()))
            .take(4)
    });
    first_words.take(4).collect::<Vec<_>>().join(" ")
}

impl Shrinking {
    fn take(&mut self, smaller: Script) -> bool {
        if self.played == MOST {
            return false;
        }
        self.played += 1;
        let fails = kind(&wrong_with(&smaller)) == self.kind;
        if fails {
            self.least = smaller;
        }
        fails
    }

    /// Leaves out as much of a list as it can, in ever smaller pieces.
    fn cut<T>(&mut self, list: impl Fn(&mut Script) -> &mut Vec<T>) {
        let mut size = list(&mut self.least).len().div_ceil(2);
        while size > 0 {
            let mut from = list(&mut self.least).len();
            while from > 0 {
                let to = from;
                from = from.saturating_sub(size);
                let mut smaller = self.least.clone();
                list(&mut smaller).drain(from..to);
                self.take(smaller);
            }
            size /= 2;
        }
    }
}

/// Describes the smallest part of a failing week that still fails for the same reason.
pub(super) fn smallest_failure(script: &Script) -> String {
    let seed = script.seed;
    let first = kind(&wrong_with(script));
    let mut shrinking = Shrinking {
        least: script.clone(),
        played: 0,
        kind: first,
    };
    let mut without = BTreeSet::new();
    for trouble in Trouble::ALL {
        without.insert(trouble);
        if !shrinking.take(Script::of(seed, &without)) {
            without.remove(&trouble);
        }
    }
    shrinking.cut(|script| &mut script.events);
    shrinking.cut(|script| &mut script.passes);
    for hook in 0..shrinking.least.hooks.len() {
        shrinking.cut(|script| &mut script.hooks[hook].outages);
        shrinking.cut(|script| &mut script.hooks[hook].off);
        shrinking.cut(|script| &mut script.hooks[hook].deliveries);
    }
    shrinking.cut(|script| &mut script.passes);
    let mut least = shrinking.least;
    least.tells_requests = true;
    let (mut record, verdict) = week(&least);
    record.story.sort_by_key(|(at, _)| *at);
    let mut text = format!("seed {seed}, without {without:?}:\n{least:#?}\n");
    for (at, what) in &record.story {
        writeln!(text, "{} {what}", at.format("%d %H:%M:%S")).unwrap();
    }
    for wrong in verdict.wrong {
        writeln!(text, "WRONG: {wrong}").unwrap();
    }
    text
}
