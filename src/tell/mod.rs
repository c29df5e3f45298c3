//! Views of the report: the log, step outputs, the report file and the job summary.

pub mod console;
pub mod files;
pub mod markdown;
pub mod progress;
pub mod summary;
