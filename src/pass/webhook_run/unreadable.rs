//! Rows of a log that could not be read: an error once, then a warning for as long as a failure may be among them.

use crate::pass::webhook_run::WebhookRun;
use crate::pass::webhook_run::result::WebhookResult;
use crate::read::scan::ScanResult;
use crate::remember::state::Memory;
use crate::report::UnreadableRows;
use crate::text::counted;

impl WebhookResult {
    /// Adds the rows that could not be read. Those that an earlier pass reported are known.
    pub(super) fn add_unreadable(&mut self, run: &WebhookRun<'_>, scanned: &ScanResult) {
        let known = run.memory().map(Memory::unreadable);
        let mut known = known.unwrap_or_default();
        let left_out = run.memory().and_then(Memory::unreadable_left_out);
        let (mut held, mut new) = (Vec::new(), false);
        // Oldest first: of rows that are alike, the oldest was reported first.
        for row in scanned.unreadable.iter().rev() {
            let reported = known.get_mut(&*row.fingerprint).and_then(Vec::pop);
            // If the state had no room for it, the time of the next older row shows that it was there.
            let was_there = left_out.filter(|time| row.older.is_none_or(|older| older < *time));
            let reported = reported.or(was_there);
            let at = reported.unwrap_or(run.began);
            self.unreadable.push((row.fingerprint.clone(), at));
            // GitHub redelivers nothing that old.
            if at >= run.window.retention_start {
                new |= reported.is_none();
                held.push(row);
            }
        }
        if !scanned.complete {
            let unseen = known.into_iter().flat_map(|(fingerprint, times)| {
                let times = times.into_iter();
                times.map(move |at| (fingerprint.to_owned(), at))
            });
            self.unreadable.extend(unseen);
            self.unreadable
                .extend(left_out.map(|at| (String::new(), at)));
        }
        let Some(newest) = held.last() else {
            return;
        };
        let message = format!(
            "{}: {} of its log could not be read ({}). Failed deliveries may be hidden there: check the webhook's \
             recent deliveries on GitHub",
            self.report.webhook,
            counted(held.len(), "row"),
            newest.reason,
        );
        let messages = if new {
            &mut self.errors
        } else {
            &mut self.warnings
        };
        messages.push(message);
        self.report.unreadable = Some(UnreadableRows {
            count: held.len(),
            older: held.iter().map(|row| row.older).min().flatten(),
        });
    }
}
