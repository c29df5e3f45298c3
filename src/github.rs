//! Everything that speaks HTTP. Nothing outside of here sees a URL or a header.
//!
//! | module | what it does |
//! |---|---|
//! | `base` | which GitHub: addresses, retention |
//! | `auth` | secrets, kinds of credentials, and the header made of them |
//! | `app`, `installation` | an App's key, and the tokens made with it |
//! | `credentials` | who speaks for which account |
//! | `clock` | GitHub's time |
//! | `connect` | connections: proxies, TLS, HTTP/1.1 and 2, what became of a request that failed |
//! | `request` | a request's headers and body |
//! | `exchange` | one request and its answer, each within its time |
//! | `coding`, `buffers` | bodies that come compressed, and what bodies are read into |
//! | `shared` | octocrab on top of that, with what all credentials have in common |
//! | `client` | one credential: one way to read, one to write |
//! | `gate` | what GitHub's limits allow each credential |
//! | `budget`, `pace`, `retry`, `meter` | points of a minute, how fast redeliveries are asked for, what is repeated when |
//! | `end_of_api` | the end of the API version in use, as GitHub announces it |
//! | `pem` | keys and certificates as people pass them |
//! | `message` | GitHub's own words in an answer that is not a success |
//! | `link`, `path`, `paged`, `page_size` | the `Link` header, which paths it may name, lists, and how long their pages are |
//! | `error`, `advice`, `refusal`, `permission` | what failed, in words that name the next step |
//! | `webhooks`, `repositories`, `attempts`, `page`, `id`, `response`, `variables` | the parts of GitHub's API that a pass needs |

mod advice;
mod app;
mod attempts;
mod auth;
mod base;
mod budget;
mod buffers;
mod client;
mod clock;
mod coding;
mod connect;
mod credentials;
mod end_of_api;
mod error;
mod exchange;
mod gate;
mod id;
mod installation;
mod link;
mod message;
mod meter;
mod pace;
mod page;
mod page_size;
mod paged;
mod path;
mod pem;
mod permission;
mod refusal;
mod repositories;
mod request;
mod response;
mod retry;
mod shared;
mod variables;
mod webhooks;

pub use attempts::{Log, redeliver};
pub use auth::{Credential, PrivateKey, Secret};
pub use base::{ApiBase, has_sound_port, origin};
pub use client::Client;
pub use connect::{CaCertificates, Network, Proxies, TrustError};
pub use credentials::{CredentialError, Credentials};
pub use error::{Error, RequestError};
pub use gate::LimitEnd;
pub(crate) use id::number_or_text;
pub use installation::{Installation, Needs};
pub use meter::{Remaining, Usage};
pub use pace::Pace;
pub use page::Page;
pub use repositories::{RepositoryList, is_person};
pub use response::response;
pub use shared::TokenEnd;
pub use variables::{create_variable, update_variable, variable};
pub use webhooks::{Found, Unreadable, app_webhook, webhook, webhooks};
