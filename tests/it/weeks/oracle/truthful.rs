//! A pass says nothing of logs and receivers that it could not know.

use chrono::TimeDelta;

use super::{Judge, SECOND};
use crate::weeks::script::time;

/// A receiver is called down for redeliveries that failed no longer ago than this.
const RECENT: TimeDelta = TimeDelta::hours(1);

impl Judge<'_> {
    pub(super) fn truthful(&mut self, number: usize) {
        let run = &self.record.passes[number];
        let Some(report) = &run.report else {
            return;
        };
        let result = report.outputs.get("result").map_or("", String::as_str);
        let mut wrong = Vec::new();
        for (hook, each) in self.script.hooks.iter().enumerate() {
            let mut off = each.off.iter();
            let off = off.any(|off| time(off.start) <= run.ended && time(off.end) >= run.began);
            let unread = !off && !run.logs.contains(&hook);
            if unread && ["healthy", "recovered"].contains(&result) {
                wrong.push(format!(
                    "pass {number} is {result}, and read nothing of webhook {hook}"
                ));
            }
        }
        for hook in &report.down {
            let host = self.script.hooks[*hook].host;
            let failed = self.record.redeliveries.iter().any(|sent| {
                !sent.taken
                    && self.script.hooks[sent.hook].host == host
                    && sent.shows <= run.ended + SECOND
                    && sent.shows >= run.began - RECENT
            });
            if !failed {
                wrong.push(format!(
                    "pass {number} calls the receiver of webhook {hook} down, of which it saw no redelivery fail"
                ));
            }
        }
        self.verdict.wrong.extend(wrong);
    }
}
