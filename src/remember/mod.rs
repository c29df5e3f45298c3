//! Where the next pass starts, and what it need not read again.

pub mod checkpoint;
pub mod state;
