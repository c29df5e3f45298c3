//! What is said of a pass besides what became of deliveries: its scope, and what people should know.
//!
//! Pure but for the time, which is GitHub's.

mod ended;

use chrono::{DateTime, TimeDelta, Utc};

use crate::discover::DiscoveryResult;
use crate::github::{Credentials, TokenEnd};
use crate::model::FailOn;
use crate::report::{Gap, Report, WebhookReport};
use crate::text::{a_few, counted, rfc3339};

pub use ended::{of_limits, of_stop, of_unread};

/// A token that ends within this time is warned about.
const ENDS_SOON: TimeDelta = TimeDelta::days(14);

/// An API version whose support ends within this time is warned about.
const SUNSET_SOON: TimeDelta = TimeDelta::days(90);

/// Pages beyond which it is said what a checkpoint would save.
const MANY_PAGES: u32 = 50;

/// What is said before anything is sent.
pub const UNPROTECTED: &str = "`api-url` is http: the token can be read on its way. Write https";

/// What is said of a bug.
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

/// Why the step fails though nothing failed of the pass itself.
pub fn of_failure(report: &Report, fail_on: FailOn) -> String {
    let why = match fail_on {
        _ if report.cancelled => "the pass was cancelled",
        FailOn::Open => "`fail-on` is `open`",
        _ => "`fail-on` is `lost`",
    };
    format!("{} The step fails because {why}", report.verdict())
}

/// A token that will end before anybody thinks of it.
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

/// An API version that GitHub will not support for long, or does not support any more.
pub fn of_sunset(credentials: &Credentials) -> Option<String> {
    let sunset = credentials.sunset()?;
    let left = sunset - credentials.now();
    (left < SUNSET_SOON).then(|| {
        let ends = if left > TimeDelta::zero() { "ends" } else { "ended" };
        let date = sunset.date_naive();
        format!("GitHub's support for the API version that this action uses {ends} on {date}: update the action")
    })
}

/// What finding the webhooks costs, if that is more than a fifth of what GitHub allows. `schedule` is how
/// long ago the pass before this one began; where that is not known, a pass an hour is assumed.
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

/// How many webhooks there is nothing to say of, beside others of which there is.
pub fn of_healthy(report: &Report) -> Option<String> {
    let healthy = |webhook: &&WebhookReport| webhook.deliveries.is_empty() && webhook.complete;
    let count = report.webhooks.iter().filter(healthy).count();
    let others = report.webhooks.len() - count;
    (count > 0 && others > 0)
        .then(|| format!("Nothing failed at {}.", counted(count, "more webhook")))
}

/// Open deliveries that the next pass may come too late for.
pub fn of_expiring(report: &Report) -> Option<String> {
    let expiring = report.expiring();
    (expiring > 0).then(|| {
        format!(
            "{} open, of which GitHub redelivers none in 12 hours any more",
            counted(expiring, "delivery")
        )
    })
}

/// What a checkpoint would save, where none is kept and much was read.
pub fn of_no_checkpoint(report: &Report) -> Option<String> {
    let pages: u32 = report.webhooks.iter().map(|webhook| webhook.pages).sum();
    (pages > MANY_PAGES).then(|| {
        format!(
            "{pages} pages of delivery logs were read, and every pass reads as many because no checkpoint is kept. \
             With `checkpoint-variable` or `checkpoint-file` it reads only what is new"
        )
    })
}

/// A stretch of time of which GitHub redelivers nothing any more, at the webhooks of `behind`: each with the
/// time up to which it was read.
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
