//! The parts of GitHub's API that a pass needs.

pub(super) mod authorization;
pub(super) mod client;
pub(super) mod deliveries;
pub(super) mod id;
pub(super) mod installations;
pub(super) mod link;
pub(super) mod page;
pub(super) mod paged;
pub(super) mod repositories;
pub(super) mod response;
pub(super) mod variables;
pub(super) mod webhooks;
