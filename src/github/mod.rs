//! All HTTP code. Nothing outside of this module sees a URL or a header.
//!
//! | module | purpose |
//! |---|---|
//! | `base`, `clock`, `credential_kind`, `pem` | GitHub's addresses and time, kinds of credentials, and PEM text |
//! | `http` | connections, requests and their answers |
//! | `credentials` | tokens, a GitHub App's key, and the clients that use them |
//! | `limits` | GitHub's limits, and how fast a pass may go |
//! | `calls` | the parts of GitHub's API that a pass needs, a file an endpoint |
//! | `failure` | errors, in words that name the next step |

mod base;
mod calls;
mod clock;
mod credential_kind;
mod credentials;
mod debug_log;
mod failure;
mod http;
mod limits;
mod pem;

pub use self::http::connect::{CaCertificates, Network, Proxies, TrustError};
pub use self::http::transport::TokenEnd;
pub use base::{ApiBase, has_sound_port, origin};
pub use calls::client::Client;
pub use calls::deliveries::{DeliveryLog, redeliver};
pub(crate) use calls::id::number_or_text;
pub use calls::installations::Installation;
pub use calls::page::Page;
pub use calls::repositories::{RepositoryPages, is_person};
pub use calls::response::response;
pub use calls::variables::{create_variable, update_variable, variable};
pub use calls::webhooks::{UnreadableWebhooks, WebhookList, app_webhook, webhook, webhooks};
pub use credentials::access::RequiredAccess;
pub use credentials::auth::{Credential, PrivateKey, Secret};
pub use credentials::clients::{CredentialError, Credentials};
pub use debug_log::DebugLog;
pub use failure::error::Error;
pub use failure::request_error::RequestError;
pub use limits::gate::LimitEnd;
pub use limits::meter::{Remaining, Usage};
pub use limits::pace::Pace;
