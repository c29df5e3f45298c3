//! The runner that the pass is a step of.

use std::path::PathBuf;

/// The runner's settings besides inputs. Reading them never fails, so that outputs can be written even if
/// the inputs are wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Runner {
    /// True if this runs as a step of GitHub Actions.
    pub in_actions: bool,
    /// True if the user enabled debug logging.
    pub debug: bool,
    /// The file for step outputs.
    pub output_file: Option<PathBuf>,
    /// The file for the job summary.
    pub summary_file: Option<PathBuf>,
}
