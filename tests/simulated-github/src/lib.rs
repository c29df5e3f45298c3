//! A simulated GitHub: webhooks, their delivery logs, redelivery and Actions variables, over real HTTP on loopback.
//!
//! [`GitHub`] is the state, and answers requests one at a time without sockets, threads or a clock of its own.
//! [`Simulator`] serves it. [`Fault`] and [`Receiver`] choose the failures. [`Description`] checks a recorded
//! [`Exchange`] against the description of the API that GitHub publishes.
//!
//! ```
//! use simulated_github::{Access, Attempt, GitHub, Owner, Simulator, Webhook, guid};
//!
//! let mut github = GitHub::new();
//! github.add_token("ghp_all", Access::admin());
//! let hook = github.add_webhook(Owner::Organization("acme".to_owned()), Webhook::new("https://ci.example.com/hook"));
//! let failed = Attempt::failed(guid(1), github.now());
//! github.webhook_mut(hook).log(failed);
//!
//! let simulator = Simulator::start(github);
//! // ... send requests to `simulator.url()`, and then check the effects:
//! assert!(simulator.github().requested(hook).is_empty());
//! ```
//!
//! # Layout
//! - `github`: the state and the methods for tests; `attempt`, `log`, `receiver`, `webhook`, `access` are its parts
//! - `account`, `app`, `installation`, `repository`: the owners of tokens and webhooks; `key`: the keys of tests' Apps
//! - `request`, `strictness`, `route`, `respond`: from a request to a route; `caller`, `jwt`: the sender; `permit`,
//!   `permission`: the sender's permissions
//! - `hooks`, `deliveries`, `variables`, `listing`, `mint`: the routes; `rate`, `secondary`: the limits; `paging`, `links`,
//!   `reply`, `headers`: the parts of an answer
//! - `fault`, `effect`, `exchange`: failures, and the record of requests and answers
//! - `server`, `listener`, `tls`, `connection`, `socket`, `body`, `wire`: the server; `proxy`: a proxy to reach it through
//! - `description`, `schema`: GitHub's description

mod access;
mod account;
mod app;
mod attempt;
mod body;
mod caller;
mod connection;
mod deliveries;
mod description;
mod effect;
mod exchange;
mod fault;
mod github;
mod headers;
mod hooks;
mod installation;
mod jwt;
mod key;
mod links;
mod listener;
mod listing;
mod log;
mod mint;
mod paging;
mod permission;
mod permit;
mod proxy;
mod rate;
mod receiver;
mod reply;
mod repository;
mod request;
mod respond;
mod route;
mod schema;
mod secondary;
mod server;
mod socket;
mod strictness;
mod tls;
mod variables;
mod webhook;
mod wire;

pub use access::{Access, Level};
pub use app::App;
pub use attempt::{Attempt, guid};
pub use body::ReplyBody;
pub use description::Description;
pub use exchange::Exchange;
pub use fault::Fault;
pub use github::{Clock, GitHub};
pub use installation::Installation;
pub use key::TestKey;
pub use links::Links;
pub use mint::Minted;
pub use proxy::{Proxy, ProxyMode, ProxyRequest};
pub use receiver::Receiver;
pub use reply::{Drip, Ending, Reply};
pub use request::Request;
pub use secondary::SecondaryLimit;
pub use server::Simulator;
pub use tls::{CERTIFICATE_NAMES, Protocols};
pub use webhook::{Owner, Webhook};
