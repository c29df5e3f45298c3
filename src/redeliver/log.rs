//! Lines for the log, and the progress of a turn.

use crate::decide::wave::WaveResult;
use crate::model::Outcome;
use crate::read::progress::Phase;
use crate::redeliver::Turn;

/// Lines of the log that belong under one title.
pub struct LogGroup {
    /// The title.
    pub title: String,
    /// The lines.
    pub lines: Vec<String>,
}

impl Turn<'_> {
    /// Adds a line with the result of the wave.
    pub(super) fn log_wave(&mut self) {
        let WaveResult {
            recovered,
            failed,
            unconfirmed,
            ..
        } = self.wave_result;
        let requested = recovered + failed + unconfirmed;
        if requested > 0 {
            self.lines.push(format!(
                "wave of {requested}: {recovered} recovered, {failed} failed again, {unconfirmed} unseen"
            ));
        }
    }

    /// The turn's lines for the log, under a title with the counts.
    pub(super) fn log(&mut self) -> Option<LogGroup> {
        if self.lines.is_empty() {
            return None;
        }
        let count = |which: fn(Outcome) -> bool| {
            let requested = self.deliveries.iter();
            let requested = requested.filter(|each| !each.requests.is_empty());
            requested.filter(|each| which(each.outcome)).count()
        };
        let refused = |outcome| matches!(outcome, Outcome::Refused | Outcome::Rejected);
        let refused = match count(refused) {
            0 => String::new(),
            refused => format!(", {refused} refused"),
        };
        let title = format!(
            "{}: requested {}: {} recovered, {} failed again, {} unseen{refused}",
            self.webhook,
            count(|_| true),
            count(|outcome| outcome == Outcome::Recovered),
            count(|outcome| outcome == Outcome::FailedAgain),
            count(|outcome| outcome == Outcome::Unconfirmed),
        );
        let lines = std::mem::take(&mut self.lines);
        Some(LogGroup { title, lines })
    }

    pub(super) fn update_progress(&self) {
        let requested = self.deliveries.len() + self.awaited.len() + self.refused.len();
        self.progress.set(Phase::Redelivering {
            due: self.due.len() + requested,
            requested,
            recovered: self.recovered,
            failed: self.failed,
        });
    }
}
