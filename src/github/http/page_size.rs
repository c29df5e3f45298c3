//! The number of rows on a page of a delivery log.
//!
//! GitHub makes a page of many large deliveries slowly, and may answer 5xx or nothing at all in place of it, again and
//! again. Fewer rows then get through.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::github::failure::request_error::RequestError;

/// The most rows that GitHub puts on a page.
pub(crate) const MOST_ROWS: usize = 100;

/// GitHub's most first.
const SIZES: [usize; 3] = [MOST_ROWS, 50, 25];

/// Failed tries of a page with one size before the next is tried.
const TRIES: usize = 2;

/// The page size of one webhook's log, shared by all its readers. A size that failed is not tried again in the pass.
#[derive(Clone, Debug, Default)]
pub(crate) struct PageSize {
    /// An index in [`SIZES`].
    step: Arc<AtomicUsize>,
}

/// The size that the next try of one page is made with.
#[derive(Debug)]
pub(crate) struct Tries {
    log: PageSize,
    step: usize,
    failed: usize,
}

impl PageSize {
    /// The tries of a page that is read now.
    pub(crate) fn tries(&self) -> Tries {
        Tries {
            log: self.clone(),
            step: self.step.load(Ordering::Relaxed),
            failed: 0,
        }
    }
}

impl Tries {
    /// The path of the page with the size for the next try. GitHub's own link is left as it is for as long as nothing
    /// fails.
    pub(crate) fn path(&self, path: &str) -> String {
        match self.step {
            0 => path.to_owned(),
            step => with_size(path, SIZES[step]),
        }
    }

    /// Records that a try failed and another one follows. 5xx, a time-out, and a body that broke off or did not end may
    /// all come from a page that is too long. A limit, or a request that did not reach GitHub, shows nothing of the size.
    pub(crate) fn failed(&mut self, error: &RequestError) {
        if matches!(error, RequestError::Unsent(_)) || !error.is_passing() {
            return;
        }
        self.failed += 1;
        if self.failed == TRIES {
            self.failed = 0;
            self.step = (self.step + 1).min(SIZES.len() - 1);
            self.log.step.fetch_max(self.step, Ordering::Relaxed);
        }
    }
}

/// Returns whether a parameter of a query is the page's size.
pub(crate) fn is_size(parameter: &str) -> bool {
    parameter.split('=').next() == Some("per_page")
}

/// `path` with this page size; all other parameters stay as they are, where they are.
fn with_size(path: &str, rows: usize) -> String {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let size = format!("per_page={rows}");
    let parameters = query.split('&').filter(|each| !each.is_empty());
    let mut parameters: Vec<&str> = parameters
        .map(|each| if is_size(each) { &*size } else { each })
        .collect();
    if !parameters.iter().any(|each| is_size(each)) {
        parameters.push(&size);
    }
    format!("{path}?{}", parameters.join("&"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_page_size_is_replaced() {
        for (path, expected) in [
            ("/x?per_page=100", "/x?per_page=50"),
            (
                "/x?cursor=v1_7&per_page=100&status=success",
                "/x?cursor=v1_7&per_page=50&status=success",
            ),
            (
                "/x?per_page=100&cursor=a%26per_page=1",
                "/x?per_page=50&cursor=a%26per_page=1",
            ),
            ("/x?cursor=v1_7", "/x?cursor=v1_7&per_page=50"),
            ("/x?per_pages=1&", "/x?per_pages=1&per_page=50"),
            ("/x", "/x?per_page=50"),
        ] {
            assert_eq!(with_size(path, 50), expected);
        }
    }

    #[test]
    fn two_failures_at_one_size_lead_to_the_next() {
        let log = PageSize::default();
        let mut tries = log.tries();
        let paths = (0..6).map(|_| {
            let path = tries.path("/x?per_page=100");
            tries.failed(&RequestError::Unsent("refused".into()));
            tries.failed(&RequestError::Unclear("reset".into()));
            path
        });
        let sizes = [100, 100, 50, 50, 25, 25];
        let expected = sizes.map(|size| format!("/x?per_page={size}"));
        assert_eq!(paths.collect::<Vec<_>>(), expected);
        assert_eq!(log.tries().path("/x"), "/x?per_page=25");
    }

    #[test]
    fn two_pages_that_are_read_at_once_lower_it_once() {
        let log = PageSize::default();
        let (mut one, mut other) = (log.tries(), log.tries());
        for _ in 0..2 {
            one.failed(&RequestError::Unclear("reset".into()));
            other.failed(&RequestError::Unclear("reset".into()));
        }
        assert_eq!(log.tries().path("/x"), "/x?per_page=50");
    }
}
