//! The start of the next pass, and the parts of a log that it need not read again.

pub mod checkpoint;
pub mod state;
