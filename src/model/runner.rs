//! The runner that the pass is a step of.

use std::path::PathBuf;

/// What the runner tells besides inputs. Reading it never fails, so that outputs can be written
/// whatever the inputs are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Runner {
    /// Running as a step of GitHub Actions.
    pub in_actions: bool,
    /// The person asked for debug logging.
    pub debug: bool,
    /// Where step outputs go.
    pub output_file: Option<PathBuf>,
    /// Where the job summary goes.
    pub summary_file: Option<PathBuf>,
}
