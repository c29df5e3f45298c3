//! Rows of a log that could not be read: an error once, then a warning for as long as a failure may be among them.

use crate::pass::webhook_run::Serving;
use crate::pass::webhook_run::result::Served;
use crate::read::scan::Told;
use crate::remember::state::Memory;
use crate::report::UnreadableRows;
use crate::text::counted;

impl Served {
    /// Takes in the rows that could not be read. One that an earlier pass reported is known.
    pub(super) fn take_in_unreadable(&mut self, serving: &Serving<'_>, told: &Told) {
        let known = serving.memory().map(Memory::unreadable);
        let mut known = known.unwrap_or_default();
        let left_out = serving.memory().and_then(Memory::unreadable_left_out);
        let (mut held, mut new) = (Vec::new(), false);
        // Oldest first: of rows that are alike, the oldest was reported first.
        for row in told.unreadable.iter().rev() {
            let reported = known.get_mut(&*row.fingerprint).and_then(Vec::pop);
            // Of one whose name was left out, the older row tells that it was there.
            let was_there = left_out.filter(|time| row.older.is_none_or(|older| older < *time));
            let reported = reported.or(was_there);
            let at = reported.unwrap_or(serving.began);
            self.unreadable.push((row.fingerprint.clone(), at));
            // What was there so long ago is not redelivered any more, whatever it is.
            if at >= serving.window.retention_start {
                new |= reported.is_none();
                held.push(row);
            }
        }
        if !told.complete {
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
        let said = if new {
            &mut self.errors
        } else {
            &mut self.warnings
        };
        said.push(message);
        self.report.unreadable = Some(UnreadableRows {
            count: held.len(),
            older: held.iter().map(|row| row.older).min().flatten(),
        });
    }
}
