//! The nouns that everything else speaks of.
//!
//! Pure: no I/O, and nothing here asks what time it is.

mod attempt;
mod guid;
mod receiver_response;
mod stable_hash;

pub use attempt::{AttemptId, AttemptOutcome};
pub use guid::Guid;
pub(crate) use guid::fingerprint;
pub use receiver_response::ReceiverResponse;
pub(crate) use stable_hash::stable_hash;
