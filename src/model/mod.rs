//! The nouns that everything else speaks of: data and nothing else.

mod delivery;
mod failed_delivery;
mod filter;
mod outcome;
mod policy;
mod runner;
mod shared_path;
mod targets;
mod variable;
mod webhook;
mod window;

pub use delivery::{Answer, Asked, Delivery, Refusals, Request};
pub use failed_delivery::{Failure, First, Newest, Seen};
pub use filter::{EventWord, Filter, StatusWord, Words};
pub use outcome::{Outcome, PassResult};
pub use policy::{FailOn, LONGEST_BACKOFF, Policy};
pub use runner::Runner;
pub use shared_path::SharedPath;
pub use targets::{Organizations, Repositories, Targets, UrlPattern};
pub use variable::Variable;
pub use webhook::{HookId, Owner, Repository, Webhook};
pub use window::{OVERLAP, Window};
