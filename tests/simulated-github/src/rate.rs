//! GitHub's primary rate limit: so many requests an hour for each token.
//!
//! Source: <https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api>.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;

use crate::github::GitHub;
use crate::reply::Answer;

/// The period of a limit, in hours.
const WINDOW_HOURS: i64 = 1;

/// A token's use of its limit, as the `x-ratelimit-*` headers show it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Standing {
    pub(crate) limit: u32,
    pub(crate) used: u32,
    /// In seconds since 1970.
    pub(crate) reset: i64,
    pub(crate) exceeded: bool,
}

impl Standing {
    pub(crate) fn remaining(&self) -> u32 {
        self.limit.saturating_sub(self.used)
    }
}

#[derive(Debug, Default)]
pub(crate) struct Rates {
    windows: HashMap<String, (DateTime<Utc>, u32)>,
}

impl Rates {
    /// Counts `cost` more requests, and returns the use of `token`'s limit after them.
    pub(crate) fn count(
        &mut self,
        token: &str,
        limit: u32,
        cost: u32,
        now: DateTime<Utc>,
    ) -> Standing {
        let fresh = (now + TimeDelta::hours(WINDOW_HOURS), 0);
        let (reset, used) = self.windows.entry(token.to_owned()).or_insert(fresh);
        if *reset <= now {
            (*reset, *used) = fresh;
        }
        let exceeded = used.saturating_add(cost) > limit;
        *used = used.saturating_add(cost).min(limit);
        Standing {
            limit,
            used: *used,
            reset: reset.timestamp(),
            exceeded,
        }
    }
}

impl GitHub {
    /// Lets a token have made so many requests in the hour that ends at `reset_at`. It matters if there is a
    /// [`rate_limit`](Self::rate_limit).
    pub fn set_rate_limit_used(&mut self, token: &str, used: u32, reset_at: DateTime<Utc>) {
        let windows = &mut self.rates.windows;
        windows.insert(token.to_owned(), (reset_at, used));
    }
}

/// `GET /rate_limit`.
pub(crate) fn rate_limit(standing: Option<Standing>) -> Result<Answer, Answer> {
    let Some(standing) = standing else {
        return Err(Answer::error(
            404,
            "Rate limiting is not enabled.",
            "/rate-limit/rate-limit",
        ));
    };
    let core = json!({
        "limit": standing.limit, "used": standing.used, "remaining": standing.remaining(), "reset": standing.reset,
    });
    // Searches have a limit of their own, which nothing here uses up.
    let search = json!({ "limit": 30, "used": 0, "remaining": 30, "reset": standing.reset });
    Ok(Answer::json(
        200,
        &json!({ "resources": { "core": core, "search": search }, "rate": core }),
    ))
}

/// GitHub's message when the limit is used up.
pub(crate) fn rate_limit_message(request_id: &str, now: DateTime<Utc>) -> String {
    let hint = support_hint(request_id, now);
    format!("API rate limit exceeded for user ID 1. {hint}")
}

/// The end of GitHub's messages about limits.
pub(crate) fn support_hint(request_id: &str, now: DateTime<Utc>) -> String {
    let time = now.format("%Y-%m-%d %H:%M:%S UTC");
    format!(
        "If you reach out to GitHub Support for help, please include the request ID {request_id} and timestamp {time}."
    )
}
