//! Checks the raw inputs and turns them into [`Inputs`].

use chrono::{DateTime, Utc};

use super::path::shared_path;
use super::problems::{InputError, Problems};
use super::raw::RawInputs;
use super::runner_variables::RunnerVariables;
use super::{Inputs, values};
use crate::github::ApiBase;
use crate::model::{Filter, Policy};

impl RawInputs {
    /// The inputs, or everything that is wrong with them.
    pub(super) fn validate(
        self,
        mut problems: Problems,
        runner: &RunnerVariables,
        now: DateTime<Utc>,
    ) -> Result<Inputs, Vec<InputError>> {
        let api = self.api(&mut problems, runner);
        let credential = self.credential(&mut problems, runner.workspace.as_deref());
        let targets = self.targets(&mut problems, credential.as_ref(), api.as_ref(), runner);
        let one_off = self.one_off(&mut problems, now);
        let checkpoint = self.checkpoint(&mut problems, runner);
        let dry_run = problems.parse("dry-run", self.dry_run.as_deref(), values::boolean);
        let fail_on = problems.parse("fail-on", self.fail_on.as_deref(), values::fail_on);
        let report_file = self
            .report_file
            .as_deref()
            .and_then(|file| problems.check("report-file", shared_path(file, runner)));
        let show_responses = self.show_responses.as_deref();
        let show_responses = problems.parse("show-responses", show_responses, values::boolean);
        let network = self.network(&mut problems, runner, api.as_ref());
        let policy = self.policy(&mut problems, api.as_ref());
        match (api, credential) {
            (Some(api), Some(credential)) if problems.count() == 0 => Ok(Inputs {
                credential,
                targets,
                one_off,
                policy,
                checkpoint,
                dry_run: dry_run.unwrap_or_default(),
                fail_on: fail_on.unwrap_or_default(),
                report_file,
                show_responses: show_responses.unwrap_or_default(),
                api,
                network,
            }),
            _ => Err(problems.into_errors()),
        }
    }

    /// `None` if the address is wrong.
    fn api(&self, problems: &mut Problems, runner: &RunnerVariables) -> Option<ApiBase> {
        match self.api_url.as_deref().or(runner.api_url.as_deref()) {
            Some(address) => problems.parse("api-url", Some(address), |address| {
                ApiBase::new(address).ok_or(values::API_URL)
            }),
            None => Some(ApiBase::default()),
        }
    }

    fn policy(&self, problems: &mut Problems, api: Option<&ApiBase>) -> Policy {
        let mut filter = Filter::default();
        problems.parse_list("events", self.events.as_deref(), |word| {
            filter.events.add(word)
        });
        problems.parse_list("statuses", self.statuses.as_deref(), |word| {
            filter.statuses.add(word)
        });
        let max_age = problems.parse("max-age", self.max_age.as_deref(), values::duration);
        if let (Some(max_age), Some(api)) = (max_age, api)
            && max_age > api.retention()
        {
            let days = api.retention().num_days();
            problems.add(
                "max-age",
                "is longer than GitHub redelivers",
                &format!("write `{days}d` or less, or remove it"),
            );
        }
        let default = Policy::default();
        let max_redeliveries = self.max_redeliveries.as_deref();
        let max_per_minute = self.max_per_minute.as_deref();
        Policy {
            filter,
            max_age,
            max_redeliveries: problems
                .parse(
                    "max-redeliveries",
                    max_redeliveries,
                    values::max_redeliveries,
                )
                .unwrap_or(default.max_redeliveries),
            backoff: problems
                .parse("backoff", self.backoff.as_deref(), values::duration_or_zero)
                .unwrap_or(default.backoff),
            max_per_minute: problems
                .parse("max-per-minute", max_per_minute, values::max_per_minute)
                .unwrap_or(default.max_per_minute),
            confirm_timeout: problems
                .parse(
                    "confirm-timeout",
                    self.confirm_timeout.as_deref(),
                    values::wait_or_zero,
                )
                .unwrap_or(default.confirm_timeout),
            time_limit: problems
                .parse("time-limit", self.time_limit.as_deref(), values::wait)
                .unwrap_or(default.time_limit),
        }
    }
}
