//! The figures of a run.

use std::fmt;
use std::time::Duration;

use crate::github::Requests;
use crate::measure::Used;

/// The figures of one run, or the medians of several.
#[derive(Clone, Copy)]
pub(crate) struct Figures {
    wall: Duration,
    cpu: Duration,
    peak_kib: i64,
    requests: usize,
    first_request: Duration,
}

impl Figures {
    /// The columns of [`Display`](fmt::Display).
    pub(crate) const HEADER: &str = "  wall ms   cpu ms  peak KiB  requests  first request ms";

    pub(crate) fn new(used: &Used, requests: &Requests) -> Self {
        let first_request = requests.first.map(|first| first - used.began);
        Self {
            wall: used.wall,
            cpu: used.cpu,
            peak_kib: used.peak_kib,
            requests: requests.count,
            first_request: first_request
                .and_then(|after| after.to_std().ok())
                .unwrap_or_default(),
        }
    }

    /// Compares these figures with `other`, as factors.
    pub(crate) fn times(&self, other: &Self) -> String {
        let ratio = |a: f64, b: f64| format!("{:.1}", a / b);
        format!(
            "{} times the wall time, {} times the processor time, {} times the memory",
            ratio(self.wall.as_secs_f64(), other.wall.as_secs_f64()),
            ratio(self.cpu.as_secs_f64(), other.cpu.as_secs_f64()),
            ratio(self.peak_kib as f64, other.peak_kib as f64),
        )
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:>9.0} {:>8.0} {:>9} {:>9} {:>17.1}",
            ms(self.wall),
            ms(self.cpu),
            self.peak_kib,
            self.requests,
            ms(self.first_request),
        )
    }
}

fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1_000.0
}

/// The median of each figure.
pub(crate) fn median(all: Vec<Figures>) -> Figures {
    fn middle<T: Ord + Copy>(all: &[Figures], figure: impl Fn(&Figures) -> T) -> T {
        let mut figures: Vec<T> = all.iter().map(figure).collect();
        figures.sort_unstable();
        figures[figures.len() / 2]
    }
    Figures {
        wall: middle(&all, |each| each.wall),
        cpu: middle(&all, |each| each.cpu),
        peak_kib: middle(&all, |each| each.peak_kib),
        requests: middle(&all, |each| each.requests),
        first_request: middle(&all, |each| each.first_request),
    }
}
