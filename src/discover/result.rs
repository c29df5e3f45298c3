//! The result of a search, besides the webhooks that it found.

use std::collections::HashMap;

use crate::github::Error;

/// Most unreadable owners that are named one by one; the rest are counted.
pub(super) const MOST_NAMED: usize = 5;

/// The result of a search, besides the active webhooks.
#[derive(Debug, Default)]
pub struct DiscoveryResult {
    /// Number of webhooks that are switched off.
    pub inactive: usize,
    /// Counts of the accounts all of whose repositories were searched.
    pub listed: RepositoryCounts,
    /// Requests by account, or all of them if one token makes them.
    pub requests: HashMap<String, u64>,
    /// Owners and webhooks that should have been read and were not, for people.
    pub unread: Vec<String>,
    /// Errors for the report.
    pub errors: Vec<String>,
    /// Warnings for the report.
    pub warnings: Vec<String>,
    /// The search came to its end. If a bug prevents that, the missing webhooks are unknown.
    pub(super) ended: bool,
    /// Keys of webhooks that are switched off.
    pub switched_off: Vec<String>,
    /// The search was not finished, because the pass ended or a request failed.
    pub(super) unfinished: bool,
    /// GitHub refused the credential itself, and not only one request.
    pub(super) unauthorized: bool,
    /// Active webhooks were found.
    pub(super) active: bool,
    /// Hosts of webhooks whose payload URL does not match.
    pub(super) elsewhere: Vec<String>,
    /// Owners that a `*` includes and that the credential may not read, in lower case.
    pub refused: Vec<String>,
    /// Number of other lists that failed of owners that a `*` includes.
    pub(super) failed: usize,
}

/// Counts of an account's repositories.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RepositoryCounts {
    /// Those whose webhooks the credential may administer.
    pub repositories: usize,
    /// Those that are archived.
    pub archived: usize,
    /// Those that the credential may not administer.
    pub others: usize,
    /// Active webhooks of those that the credential may administer.
    pub(super) active: usize,
}

impl std::ops::AddAssign for RepositoryCounts {
    fn add_assign(&mut self, other: Self) {
        self.repositories += other.repositories;
        self.archived += other.archived;
        self.others += other.others;
        self.active += other.active;
    }
}

impl DiscoveryResult {
    /// True if all webhooks that the user named are known.
    pub fn is_complete(&self) -> bool {
        self.ended && !self.unfinished
    }

    /// Notes an owner that is not searched, because the search has ended.
    pub(super) fn leave_out(&mut self, name: String) {
        self.unfinished = true;
        self.unread.push(name);
    }

    /// Notes an owner or webhook that could not be read.
    pub(super) fn fail(&mut self, name: String, error: &Error) {
        self.leave_out(name);
        self.unauthorized |= error.failure().status() == Some(401);
        if !error.failure().is_stop() {
            self.errors.push(error.to_string());
        }
    }

    /// The same if many may fail for the same reason: a few are named one by one, and the rest counted.
    pub(super) fn fail_alike(&mut self, name: String, error: &Error) {
        self.leave_out(name);
        self.unauthorized |= error.failure().status() == Some(401);
        if !error.failure().is_stop() {
            self.failed += 1;
            if self.failed <= MOST_NAMED {
                self.errors.push(error.to_string());
            }
        }
    }

    /// Notes that something the user named does not exist.
    pub(super) fn miss(&mut self, error: String) {
        self.errors.push(error);
    }
}
