//! Everything that speaks HTTP. Nothing outside of here sees a URL or a header.
//!
//! | module | what it does |
//! |---|---|
//! | `base` | which GitHub: addresses, retention |
//! | `auth` | secrets and the header made of them |
//! | `clock` | GitHub's time |
//! | `connect` | connections: TLS, HTTP/1.1 and 2, what became of a request that failed |
//! | `client` | octocrab on top of that: one way to read, one to write |
//! | `limits` | how fast GitHub is asked |
//! | `link` | the `Link` header, and what must not be followed |
//! | `error` | what failed, in words that name the next step |
//! | `webhooks`, `attempts`, `variables` | the parts of GitHub's API that a pass needs |

mod attempts;
mod auth;
mod base;
mod client;
mod clock;
mod connect;
mod error;
mod limits;
mod link;
mod variables;
mod webhooks;

pub use attempts::{Log, Page, Unreadable, redeliver};
pub use auth::Secret;
pub use base::{ApiBase, origin};
pub use client::Client;
pub use error::{Error, RequestError};
pub use limits::Pace;
pub use variables::{create_variable, update_variable, variable};
pub use webhooks::{Found, organization_webhooks, webhook};
