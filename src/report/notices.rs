//! Messages about the pass as a whole: its scope, and problems that people should know about.

mod ended;

use chrono::{DateTime, TimeDelta, Utc};

use crate::discover::DiscoveryResult;
use crate::github::{Credentials, TokenEnd};
use crate::model::FailOn;
use crate::report::{Gap, Report, WebhookReport};
use crate::text::{a_few, counted, rfc3339};

pub use ended::{of_limits, of_stop, of_unread};

/// A token that expires within this time gets a warning.
const ENDS_SOON: TimeDelta = TimeDelta::days(14);

/// An API version whose support ends within this time gets a warning.
const SUNSET_SOON: TimeDelta = TimeDelta::days(90);

/// A pass without a checkpoint that reads more pages than this gets advice.
const MANY_PAGES: u32 = 50;

/// The warning about an unencrypted API.
pub const UNPROTECTED: &str = "`api-url` is http: the token can be read on its way. Write https";

/// The error message for a bug.
pub const PANIC: &str = "the pass broke off because of a bug: please report this with the log. The next \
                         pass goes on where this one ended";

/// The scope of the pass in a phrase. `inputs`: the inputs that it names, see `Inputs::in_scope`.
pub fn scope(webhooks: usize, inputs: &str, discovered: &DiscoveryResult) -> String {
    let mut scope = format!("{} of {inputs}", counted(webhooks, "webhook"));
    let listed = discovered.listed;
    if listed != Default::default() {
        let repositories = counted(listed.repositories, "repository");
        scope.push_str(&format!("; {repositories} looked through"));
    }
    let left_out: Vec<String> = [
        (discovered.inactive, "inactive"),
        (listed.archived, "in archived repositories"),
        (
            listed.others,
            "in repositories that the credential does not administer",
        ),
    ]
    .into_iter()
    .filter(|(count, _)| *count > 0)
    .map(|(count, what)| format!("{count} {what}"))
    .collect();
    if !left_out.is_empty() {
        scope.push_str(&format!(" ({} left out)", left_out.join(", ")));
    }
    scope
}

/// The error message for a step that fails because of its outcome, without any other error.
pub fn of_failure(report: &Report, fail_on: FailOn) -> String {
    let why = match fail_on {
        _ if report.cancelled => "the pass was cancelled",
        FailOn::Open => "`fail-on` is `open`",
        _ => "`fail-on` is `lost`",
    };
    format!("{} The step fails because {why}", report.verdict())
}

/// The warning about a token that expires soon.
pub fn of_token(credentials: &Credentials) -> Option<String> {
    let TokenEnd { at, input } = credentials.token_ends()?;
    let left = at - credentials.now();
    (left < ENDS_SOON).then(|| {
        format!(
            "`{input}` ends at {}, in {}: make a new token and store it before",
            rfc3339(at),
            match left.num_days() {
                ..1 => counted(left.num_hours().max(0).unsigned_abs(), "hour"),
                days => counted(days.unsigned_abs(), "day"),
            }
        )
    })
}

/// The warning about an API version whose support ends soon or has ended.
pub fn of_sunset(credentials: &Credentials) -> Option<String> {
    let sunset = credentials.sunset()?;
    let left = sunset - credentials.now();
    (left < SUNSET_SOON).then(|| {
        let ends = if left > TimeDelta::zero() { "ends" } else { "ended" };
        let date = sunset.date_naive();
        format!("GitHub's support for the API version that this action uses {ends} on {date}: update the action")
    })
}

/// The warning about webhook discovery that uses more than a fifth of GitHub's hourly limit. `schedule` is the time
/// between the starts of the previous pass and this one; without it, a pass every hour is assumed.
pub fn of_discovery(
    discovered: &DiscoveryResult,
    credentials: &Credentials,
    schedule: Option<TimeDelta>,
) -> Option<String> {
    let limit = credentials.hourly_limit()?;
    let requests = *discovered.requests.values().max()?;
    let every = schedule.map_or(60, |schedule| schedule.num_minutes().clamp(1, 60));
    let an_hour = requests * 60 / every.unsigned_abs();
    (an_hour > limit / 5).then(|| {
        format!(
            "Finding the webhooks took {requests} requests, {an_hour} an hour with a pass every {}, of the {limit} \
             that GitHub allows: name fewer repositories, use an organization's webhook, or run less often",
            counted(every.unsigned_abs(), "minute"),
        )
    })
}

/// The log line about healthy webhooks, if there are others too.
pub fn of_healthy(report: &Report) -> Option<String> {
    let healthy = |webhook: &&WebhookReport| webhook.deliveries.is_empty() && webhook.complete;
    let count = report.webhooks.iter().filter(healthy).count();
    let others = report.webhooks.len() - count;
    (count > 0 && others > 0)
        .then(|| format!("Nothing failed at {}.", counted(count, "more webhook")))
}

/// The warning about open deliveries that may expire before the next pass.
pub fn of_expiring(report: &Report) -> Option<String> {
    let expiring = report.expiring();
    (expiring > 0).then(|| {
        format!(
            "{} open, of which GitHub redelivers none in 12 hours any more",
            counted(expiring, "delivery")
        )
    })
}

/// The advice to keep a checkpoint, for a pass that read many pages without one.
pub fn of_no_checkpoint(report: &Report) -> Option<String> {
    let pages: u32 = report.webhooks.iter().map(|webhook| webhook.pages).sum();
    (pages > MANY_PAGES).then(|| {
        format!(
            "{pages} pages of delivery logs were read, and every pass reads as many because no checkpoint is kept. \
             With `checkpoint-variable` or `checkpoint-file` it reads only what is new"
        )
    })
}

/// The period that no pass read before GitHub's redelivery deadline, and the warning about it. `behind`: the webhooks
/// concerned, each with the time up to which it was read.
pub fn of_gap(
    behind: &[(String, DateTime<Utc>)],
    webhooks: usize,
    retention_start: DateTime<Utc>,
) -> Option<(Gap, String)> {
    let from = behind.iter().map(|(_, read)| *read).min()?;
    let gap = Gap {
        from,
        to: retention_start,
    };
    let whose = if behind.len() == webhooks {
        String::new()
    } else {
        let names: Vec<String> = behind.iter().map(|(name, _)| name.clone()).collect();
        format!(" at {}", a_few(&names))
    };
    let warning = format!(
        "The last checkpoint is older than GitHub redelivers: what failed{whose} between {} and {} can't be \
         recovered. Run more often",
        rfc3339(gap.from),
        rfc3339(gap.to)
    );
    Some((gap, warning))
}
