//! Files that outlive the pass.

use std::path::PathBuf;

/// The path of a file that outlives the pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SharedPath {
    /// As the user wrote it.
    pub given: String,
    /// The path, complete as far as the workspace is known.
    pub path: PathBuf,
    /// The folders that the workflow's steps share.
    pub shared: Vec<PathBuf>,
}
