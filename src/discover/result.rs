//! What a search tells besides the webhooks that it found.

use std::collections::HashMap;

use crate::github::Error;

/// Most repositories that may not be read which are named one by one.
pub(super) const NAMED: usize = 5;

/// What there is besides the webhooks that were found.
#[derive(Debug, Default)]
pub struct Census {
    /// Webhooks that are switched off.
    pub inactive: usize,
    /// The repositories of accounts all of whose repositories were meant.
    pub listed: Listed,
    /// Requests by account, or all of them where one token makes them.
    pub requests: HashMap<String, u64>,
    /// Whose webhooks should have been looked at and were not, for people.
    pub unread: Vec<String>,
    /// What failed.
    pub errors: Vec<String>,
    /// What people should know.
    pub warnings: Vec<String>,
    /// The search came to its end. If a bug keeps it from that, nobody knows what is missing.
    pub(super) ended: bool,
    /// Webhooks that are switched off, as they are remembered.
    pub switched_off: Vec<String>,
    /// The search was not finished, be it that the pass was to end or that something failed.
    pub(super) unfinished: bool,
    /// The credential itself was refused, and not only for one thing.
    pub(super) unauthorized: bool,
    /// Active webhooks were found.
    pub(super) active: bool,
    /// Hosts of webhooks whose payload URL is not the one meant.
    pub(super) elsewhere: Vec<String>,
    /// Owners of webhooks that nobody named and that may not be read, in lower case.
    pub refused: Vec<String>,
    /// How many lists of webhooks that nobody named failed otherwise.
    pub(super) failed: usize,
}

/// An account's repositories.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Listed {
    /// Those whose webhooks the credential may administer.
    pub repositories: usize,
    /// Those that are archived.
    pub archived: usize,
    /// Those that the credential may not administer.
    pub others: usize,
    /// Active webhooks of those that may be.
    pub(super) active: usize,
}

impl std::ops::AddAssign for Listed {
    fn add_assign(&mut self, other: Self) {
        self.repositories += other.repositories;
        self.archived += other.archived;
        self.others += other.others;
        self.active += other.active;
    }
}

impl Census {
    /// Whether all webhooks that are meant are known.
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

    /// The same where others may fail alike: a few are told one by one, and the rest counted.
    pub(super) fn fail_alike(&mut self, name: String, error: &Error) {
        self.leave_out(name);
        self.unauthorized |= error.failure().status() == Some(401);
        if !error.failure().is_stop() {
            self.failed += 1;
            if self.failed <= NAMED {
                self.errors.push(error.to_string());
            }
        }
    }

    /// Something that is meant is not there. All that is there is known.
    pub(super) fn miss(&mut self, error: String) {
        self.errors.push(error);
    }
}
