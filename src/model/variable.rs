//! A repository variable.

use super::Repository;

/// A repository variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variable {
    /// The repository that has it.
    pub repository: Repository,
    /// Its name, in upper case as GitHub stores it.
    pub name: String,
}
