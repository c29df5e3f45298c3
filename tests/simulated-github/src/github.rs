//! The state, and the methods with which tests read and change it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use crate::account::Account;
use crate::exchange::Exchange;
use crate::installation::Installed;
use crate::links::Links;
use crate::log::FIRST_ID;
use crate::paging::MOST_PER_PAGE;
use crate::rate::Rates;
use crate::repository::Repositories;
use crate::secondary::Spending;
use crate::strictness::Violations;
use crate::variables::Variable;
use crate::wire::Link;
use crate::{Access, App, Attempt, Fault, Minted, Owner, SecondaryLimit, Webhook};

/// The first webhook's id: nine digits, as GitHub's are.
const FIRST_HOOK_ID: u64 = 512_345_671;

/// The distance between the first attempt ids of two webhooks.
const IDS_PER_HOOK: u64 = 1_000_000_000_000;

/// GitHub's hourly limit for a person's token.
const REQUESTS_AN_HOUR: u32 = 5_000;

/// The edition of GitHub.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flavour {
    GithubCom,
    EnterpriseServer,
}

/// A function that returns the time.
pub type Clock = Box<dyn Fn() -> DateTime<Utc> + Send + Sync>;

/// A simulated GitHub: its state, and [`respond`](Self::respond), which answers requests and knows nothing of sockets.
pub struct GitHub {
    /// The time between a request and its redelivery; zero unless set.
    pub redelivery_delay: TimeDelta,
    /// Most attempts on one page of a delivery log, whatever a request wants: 100.
    pub attempts_a_page: usize,
    /// The time between a redelivery and its row in the log; zero unless set.
    pub log_lag: TimeDelta,
    /// The greatest age at which an attempt is redelivered: 3 days, or 7 on Enterprise Server. Older rows stay in the log.
    ///
    /// Source: <https://docs.github.com/webhooks/testing-and-troubleshooting-webhooks/redelivering-webhooks>.
    pub retention: TimeDelta,
    /// The status for a request to redeliver an older attempt. GitHub does not document it: 400, 404 or 422, which is
    /// the default.
    pub expired_status: u16,
    /// Requests an hour for each token. `None`: no limit and no `x-ratelimit-*` headers, as on Enterprise Server.
    pub rate_limit: Option<u32>,
    /// GitHub's secondary limit; there is no limit unless one is set.
    pub secondary_limit: Option<SecondaryLimit>,
    /// True if the rows of a page are shuffled. GitHub promises no order.
    pub shuffled: bool,
    /// The spelling of addresses in `Link` headers and redirects.
    pub links: Links,
    /// True if bodies of responses are kept in [`requests`](Self::requests); benchmarks switch it off.
    pub record_answers: bool,
    /// The lifetime of an installation's token: an hour unless set.
    pub installation_token_lifetime: TimeDelta,
    /// The time before the server sends the headers of a response.
    pub latency: Duration,
    /// True if the server compresses bodies for clients that accept gzip, as GitHub does.
    pub compresses: bool,
    /// The link that all bodies share, if its bandwidth is limited.
    pub(crate) link: Option<Link>,
    pub(crate) flavour: Flavour,
    pub(crate) accounts: BTreeMap<String, Account>,
    pub(crate) repositories: Repositories,
    pub(crate) app: Option<App>,
    pub(crate) installations: BTreeMap<u64, Installed>,
    pub(crate) minted: Vec<Minted>,
    pub(crate) hooks: BTreeMap<u64, (Owner, Webhook)>,
    /// The ids of each owner's webhooks, by [`Owner::key`].
    pub(crate) hooks_of: HashMap<String, BTreeSet<u64>>,
    pub(crate) tokens: HashMap<String, Arc<Access>>,
    pub(crate) faults: Vec<Fault>,
    pub(crate) refused: HashMap<u64, (u16, String)>,
    pub(crate) rates: Rates,
    pub(crate) spending: Spending,
    pub(crate) exchanges: Vec<Exchange>,
    pub(crate) violations: Violations,
    clock: Clock,
    in_flight: usize,
    most_in_flight: usize,
}

impl Default for GitHub {
    fn default() -> Self {
        Self::new()
    }
}

impl GitHub {
    /// github.com: its API is at the root of the host, and requests are limited.
    pub fn new() -> Self {
        Self {
            redelivery_delay: TimeDelta::zero(),
            attempts_a_page: MOST_PER_PAGE,
            log_lag: TimeDelta::zero(),
            retention: TimeDelta::days(3),
            expired_status: 422,
            rate_limit: Some(REQUESTS_AN_HOUR),
            secondary_limit: None,
            shuffled: false,
            links: Links::default(),
            record_answers: true,
            installation_token_lifetime: TimeDelta::hours(1),
            latency: Duration::ZERO,
            compresses: true,
            link: None,
            flavour: Flavour::GithubCom,
            accounts: BTreeMap::new(),
            repositories: Repositories::default(),
            app: None,
            installations: BTreeMap::new(),
            minted: Vec::new(),
            hooks: BTreeMap::new(),
            hooks_of: HashMap::new(),
            tokens: HashMap::new(),
            faults: Vec::new(),
            refused: HashMap::new(),
            rates: Rates::default(),
            spending: Spending::default(),
            exchanges: Vec::new(),
            violations: Violations::default(),
            clock: Box::new(Utc::now),
            in_flight: 0,
            most_in_flight: 0,
        }
    }

    /// Enterprise Server 3.17: its API is at `/api/v3`, and requests are not limited.
    pub fn enterprise_server() -> Self {
        Self {
            flavour: Flavour::EnterpriseServer,
            rate_limit: None,
            retention: TimeDelta::days(7),
            ..Self::new()
        }
    }

    /// The path all routes are below: empty, or `/api/v3`.
    pub fn base_path(&self) -> &'static str {
        match self.flavour {
            Flavour::GithubCom => "",
            Flavour::EnterpriseServer => "/api/v3",
        }
    }

    /// Sets the clock; it is the system's otherwise.
    pub fn set_clock(&mut self, clock: impl Fn() -> DateTime<Utc> + Send + Sync + 'static) {
        self.clock = Box::new(clock);
    }

    /// Takes the clock out, and leaves the system's.
    pub fn take_clock(&mut self) -> Clock {
        std::mem::replace(&mut self.clock, Box::new(Utc::now))
    }

    /// Limits the bodies that the server sends, all of them together, to so many bytes a second.
    pub fn limit_bandwidth(&mut self, bytes_a_second: u32) {
        self.link = Some(Link::new(bytes_a_second));
    }

    /// The time by the clock.
    pub fn now(&self) -> DateTime<Utc> {
        (self.clock)()
    }

    /// The id of the App's webhook. No route shows it; it is for calls such as [`attempts`](Self::attempts).
    pub fn app_webhook(&self) -> Option<u64> {
        self.webhooks_of(&Owner::App).next().map(Webhook::id)
    }

    /// An owner's webhooks in the order of their ids, without a search through the rest.
    pub(crate) fn webhooks_of(&self, owner: &Owner) -> impl Iterator<Item = &Webhook> {
        let ids = self.hooks_of.get(&owner.key()).into_iter().flatten();
        ids.filter_map(|id| self.hooks.get(id))
            .map(|(_, webhook)| webhook)
    }

    /// Adds a webhook, and its owner unless it is there already, and returns the webhook's id.
    pub fn add_webhook(&mut self, owner: Owner, mut webhook: Webhook) -> u64 {
        match &owner {
            Owner::Organization(login) => {
                self.ensure_account(login);
            }
            Owner::Repository { owner, name } => self.add_repository(owner, name),
            // An App has one webhook.
            Owner::App => {
                if let Some(id) = self.app_webhook() {
                    self.remove_webhook(id);
                }
            }
        }
        let id = self
            .hooks
            .last_key_value()
            .map_or(FIRST_HOOK_ID, |(last, _)| last + 1);
        webhook.id = id;
        webhook
            .log
            .start_ids_at(FIRST_ID + (id - FIRST_HOOK_ID) * IDS_PER_HOOK);
        self.hooks_of.entry(owner.key()).or_default().insert(id);
        self.hooks.insert(id, (owner, webhook));
        id
    }

    /// A webhook, by the id that [`add_webhook`](Self::add_webhook) returned.
    ///
    /// # Panics
    /// If there is no such webhook.
    pub fn webhook(&self, id: u64) -> &Webhook {
        &self.hooks[&id].1
    }

    /// A webhook to change, by the id that [`add_webhook`](Self::add_webhook) returned.
    ///
    /// # Panics
    /// If there is no such webhook.
    pub fn webhook_mut(&mut self, id: u64) -> &mut Webhook {
        let Some((_, webhook)) = self.hooks.get_mut(&id) else {
            panic!("there is no webhook `{id}`");
        };
        webhook
    }

    /// Deletes a webhook; its routes are not found from then on.
    pub fn remove_webhook(&mut self, id: u64) {
        if let Some((owner, _)) = self.hooks.remove(&id)
            && let Some(ids) = self.hooks_of.get_mut(&owner.key())
        {
            ids.remove(&id);
        }
    }

    /// Adds a token, or changes its access.
    pub fn add_token(&mut self, token: &str, access: Access) {
        self.tokens.insert(token.to_owned(), Arc::new(access));
    }

    /// Stops a token from working.
    pub fn remove_token(&mut self, token: &str) {
        self.tokens.remove(token);
    }

    /// Sets an Actions variable of a repository named as `owner/name`, and adds the repository unless it is there already.
    ///
    /// # Panics
    /// If the repository's name has no slash.
    pub fn set_variable(&mut self, repository: &str, name: &str, value: &str) {
        let Some((owner, repository_name)) = repository.split_once('/') else {
            panic!("`{repository}` is not `owner/name`");
        };
        self.ensure_account(owner);
        let now = self.now();
        let repository = self.repositories.ensure(owner, repository_name);
        repository
            .variables
            .insert(name.to_ascii_uppercase(), Variable::new(value, now));
    }

    /// The value of an Actions variable of a repository named as `owner/name`.
    pub fn variable(&self, repository: &str, name: &str) -> Option<String> {
        let repository = self.repositories.get(repository)?;
        repository
            .variables
            .get(&name.to_ascii_uppercase())
            .map(|variable| variable.value.clone())
    }

    /// Makes something go wrong.
    pub fn add_fault(&mut self, fault: Fault) {
        self.faults.push(fault);
    }

    /// Ends all faults.
    pub fn clear_faults(&mut self) {
        self.faults.clear();
    }

    /// Answers every request for the redelivery of this attempt with `status` and `message`.
    pub fn refuse(&mut self, attempt_id: u64, status: u16, message: &str) {
        self.refused
            .insert(attempt_id, (status, message.to_owned()));
    }

    /// Every request answered, in order.
    pub fn requests(&self) -> &[Exchange] {
        &self.exchanges
    }

    /// Forgets the requests answered so far.
    pub fn clear_requests(&mut self) {
        self.exchanges.clear();
    }

    /// A webhook's log as now visible, newest first.
    ///
    /// # Panics
    /// If there is no such webhook.
    pub fn attempts(&self, webhook: u64) -> Vec<Attempt> {
        self.webhook(webhook)
            .log
            .newest_first(self.now())
            .cloned()
            .collect()
    }

    /// The ids of a webhook's attempts whose redelivery was accepted, in order.
    ///
    /// # Panics
    /// If there is no such webhook.
    pub fn requested(&self, webhook: u64) -> Vec<u64> {
        self.webhook(webhook).requested.clone()
    }

    /// The most requests that were under way at the same time: arrived, and not yet answered.
    pub fn most_in_flight(&self) -> usize {
        self.most_in_flight
    }

    /// The requests that are under way.
    pub(crate) fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// A request has arrived. A caller of [`respond`](Self::respond) calls this before, and [`leave`](Self::leave) when
    /// the headers have been sent.
    pub fn enter(&mut self) {
        self.in_flight += 1;
        self.most_in_flight = self.most_in_flight.max(self.in_flight);
    }

    /// A request has been answered or given up.
    pub fn leave(&mut self) {
        self.in_flight = self.in_flight.saturating_sub(1);
    }
}
