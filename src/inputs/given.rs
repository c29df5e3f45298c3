//! What the environment holds, and from there to [`Inputs`]: every rule that ties inputs together.

use std::str::FromStr;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;

use super::hidden::Hidden;
use super::path::shared_path;
use super::values;
use super::values::{InputError, Problem};
use super::{Defaults, Inputs, OneOff};
use crate::github::ApiBase;
use crate::model::FailOn;
use crate::model::Policy;
use crate::model::{Filter, Words};

/// Names the inputs once: as `action.yml` spells them, and as fields that envy fills.
macro_rules! inputs {
    ($($field:ident = $name:literal,)*) => {
        /// What the environment holds: trimmed, and `None` where empty.
        #[derive(Debug, Default, Deserialize)]
        #[serde(default)]
        pub(super) struct Given {
            $(#[serde(rename = $name)] pub(super) $field: Option<String>,)*
        }

        /// Every input's name, as in `action.yml`.
        pub const NAMES: &[&str] = &[$($name),*];
    };
}

inputs! {
    token = "token",
    client_id = "client-id",
    private_key = "private-key",
    organization = "organization",
    repository = "repository",
    app_webhook = "app-webhook",
    hook_id = "hook-id",
    payload_url = "payload-url",
    events = "events",
    statuses = "statuses",
    since = "since",
    until = "until",
    max_age = "max-age",
    max_redeliveries = "max-redeliveries",
    backoff = "backoff",
    max_per_minute = "max-per-minute",
    confirm_timeout = "confirm-timeout",
    time_limit = "time-limit",
    checkpoint_variable = "checkpoint-variable",
    checkpoint_repository = "checkpoint-repository",
    checkpoint_token = "checkpoint-token",
    checkpoint_file = "checkpoint-file",
    dry_run = "dry-run",
    fail_on = "fail-on",
    report_file = "report-file",
    show_responses = "show-responses",
    api_url = "api-url",
    ca_certificates = "ca-certificates",
}

/// Failed redeliveries, the receiver being up, before a delivery is given up.
const MAX_REDELIVERIES: usize = 10;

/// Redeliveries a minute.
const MAX_PER_MINUTE: u32 = 140;

/// How long to watch for outcomes after each wave.
const CONFIRM_TIMEOUT: Duration = Duration::from_secs(60);

/// Longest pass.
const TIME_LIMIT: Duration = Duration::from_secs(30 * 60);

/// First wait between redeliveries of one delivery.
const BACKOFF: TimeDelta = TimeDelta::minutes(5);

/// Collects what is wrong, and keeps secrets out of what is shown.
pub(super) struct Check {
    pub(super) problems: Vec<InputError>,
    pub(super) hidden: Hidden,
}

impl Check {
    /// The value, or `None` and a problem on the list.
    pub(super) fn of<T>(&mut self, name: &str, result: Result<T, Problem>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(problem) => {
                self.problems.push(InputError::new(name, problem));
                None
            }
        }
    }

    /// The parsed value of an input that is set, `Some(None)` for one that is not.
    pub(super) fn parsed<T>(
        &mut self,
        name: &str,
        value: Option<&str>,
        parse: impl FnOnce(&str) -> Result<T, &'static str>,
    ) -> Option<Option<T>> {
        match value {
            Some(value) => self.parsed_of(name, value, None, parse).map(Some),
            None => Some(None),
        }
    }

    /// The parsed value of an input, or of an item of its list.
    fn parsed_of<T>(
        &mut self,
        name: &str,
        value: &str,
        list: Option<&str>,
        parse: impl FnOnce(&str) -> Result<T, &'static str>,
    ) -> Option<T> {
        let result = parse(value).map_err(|accepted| {
            let shown = self.hidden.shown(value, list);
            Problem::new(&format!("`{shown}` is not accepted"), accepted)
        });
        self.of(name, result)
    }

    /// The items of a list, equal ones once.
    pub(super) fn list<T: PartialEq>(
        &mut self,
        name: &str,
        value: Option<&str>,
        parse: impl Fn(&str) -> Result<T, &'static str>,
    ) -> Option<Vec<T>> {
        let mut list: Vec<T> = Vec::new();
        let mut complete = true;
        for item in values::list(value.unwrap_or_default()) {
            match self.parsed_of(name, item, value, &parse) {
                Some(item) if !list.contains(&item) => list.push(item),
                Some(_) => {}
                None => complete = false,
            }
        }
        complete.then_some(list)
    }
}

impl Check {
    fn words<T: FromStr<Err = &'static str>>(
        &mut self,
        name: &str,
        value: Option<&str>,
    ) -> Option<Words<T>> {
        let mut words = Words::default();
        let mut complete = true;
        for word in values::list(value.unwrap_or_default()) {
            complete &= self
                .parsed_of(name, word, value, |word| words.add(word))
                .is_some();
        }
        complete.then_some(words)
    }
}

impl Given {
    pub(super) fn validate(
        self,
        check: &mut Check,
        runners: Defaults,
        now: DateTime<Utc>,
    ) -> Option<Inputs> {
        let api_url = self.api_url.clone().or_else(|| runners.api_url.clone());
        let api = check.parsed("api-url", api_url.as_deref(), |value| {
            ApiBase::new(value).ok_or(values::API_URL)
        });
        let api = api.map(Option::unwrap_or_default);
        let credential = self.credential(check, runners.workspace.as_deref());
        let web = api.as_ref().map(ApiBase::web).unwrap_or_default();
        let repository = runners.repository.as_deref();
        let targets = self.targets(check, credential.as_ref(), repository, &web);
        let moment = |value: &str| values::moment(value, now);
        let since = check.parsed("since", self.since.as_deref(), moment);
        let until = check.parsed("until", self.until.as_deref(), moment);
        if let (Some(Some(since)), Some(Some(until))) = (since, until)
            && until.before(now) <= since.before(now)
        {
            let problem = Problem::new("is not after `since`", "write the later one here");
            check.problems.push(InputError::new("until", problem));
        }
        let one_off = since.zip(until).map(|(since, until)| {
            (since.is_some() || until.is_some()).then_some(OneOff { since, until })
        });
        let checkpoint = self.checkpoint(check, &runners);
        let dry_run = check.parsed("dry-run", self.dry_run.as_deref(), values::boolean);
        let fail_on = check.parsed("fail-on", self.fail_on.as_deref(), values::fail_on);
        let max_per_minute = check.parsed(
            "max-per-minute",
            self.max_per_minute.as_deref(),
            values::max_per_minute,
        );
        let timeout = self.confirm_timeout.as_deref();
        let confirm_timeout = check.parsed("confirm-timeout", timeout, |value| {
            values::std_duration(values::duration_or_zero(value)?)
        });
        let time_limit = check.parsed("time-limit", self.time_limit.as_deref(), |value| {
            values::std_duration(values::duration(value)?)
        });
        let report_file = self
            .report_file
            .as_deref()
            .map(|given| check.of("report-file", shared_path(given, &runners)));
        let show_responses = check.parsed(
            "show-responses",
            self.show_responses.as_deref(),
            values::boolean,
        );
        let network = self.network(check, &runners, api.as_ref());
        let policy = self.policy(check, api.as_ref());
        Some(Inputs {
            credential: credential?,
            targets: targets?,
            one_off: one_off?,
            policy: policy?,
            max_per_minute: max_per_minute?.unwrap_or(MAX_PER_MINUTE),
            confirm_timeout: confirm_timeout?.unwrap_or(CONFIRM_TIMEOUT),
            time_limit: time_limit?.unwrap_or(TIME_LIMIT),
            checkpoint: checkpoint?,
            dry_run: dry_run?.unwrap_or(false),
            fail_on: fail_on?.unwrap_or(FailOn::Lost),
            report_file: match report_file {
                Some(path) => Some(path?),
                None => None,
            },
            show_responses: show_responses?.unwrap_or(false),
            api: api?,
            network: network?,
        })
    }

    fn policy(&self, check: &mut Check, api: Option<&ApiBase>) -> Option<Policy> {
        let events = check.words("events", self.events.as_deref());
        let statuses = check.words("statuses", self.statuses.as_deref());
        let max_age = check.parsed("max-age", self.max_age.as_deref(), values::duration);
        if let (Some(Some(max_age)), Some(api)) = (max_age, api)
            && max_age > api.retention()
        {
            let problem = Problem::new(
                "is longer than GitHub redelivers",
                &format!(
                    "write {}d at most, or leave it out",
                    api.retention().num_days()
                ),
            );
            check.problems.push(InputError::new("max-age", problem));
        }
        let attempts = self.max_redeliveries.as_deref();
        let max_redeliveries = check.parsed("max-redeliveries", attempts, values::max_redeliveries);
        let backoff = check.parsed("backoff", self.backoff.as_deref(), values::duration_or_zero);
        Some(Policy {
            filter: Filter {
                events: events?,
                statuses: statuses?,
            },
            max_age: max_age?,
            max_redeliveries: max_redeliveries?.unwrap_or(MAX_REDELIVERIES),
            backoff: backoff?.unwrap_or(BACKOFF),
        })
    }
}
