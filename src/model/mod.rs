//! The data types that all other modules use.

mod attempt;
mod delivery;
mod failed_delivery;
mod filter;
mod guid;
mod outcome;
mod policy;
mod receiver_response;
mod runner;
mod stable_hash;
mod targets;
mod variable;
mod webhook;
mod window;

pub use attempt::AttemptId;
pub use delivery::{
    DeliveryReport, RedeliveryAnswer, RedeliveryRequest, Refusals, UnconfirmedRedelivery,
};
pub use failed_delivery::{Attempt, FailedDelivery, FirstAttempt, LatestAttempt};
pub use filter::{EventPattern, Filter, Patterns, StatusPattern};
pub use guid::Guid;
pub(crate) use guid::fingerprint;
pub use outcome::{Outcome, PassResult};
pub use policy::{FailOn, LONGEST_BACKOFF, Policy};
pub use receiver_response::ReceiverResponse;
pub use runner::Runner;
pub(crate) use stable_hash::stable_hash;
pub use targets::{Organizations, Repositories, Targets, UrlPattern};
pub use variable::Variable;
pub use webhook::{HookId, Owner, Repository, Webhook};
pub use window::{OVERLAP, Window};
