//! GitHub's secondary rate limit: so many points a minute, and so many requests at once.
//!
//! Source: <https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api#about-secondary-rate-limits>.

use std::collections::{HashMap, VecDeque};

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};

use crate::caller::Caller;
use crate::github::GitHub;
use crate::rate::support_hint;
use crate::reply::Answer;
use crate::request::Request;

/// The time for which a request counts, and for which clients wait if GitHub names no other time.
const WINDOW_SECONDS: u32 = 60;

const POINTS_OF_A_READ: u32 = 1;
const POINTS_OF_A_WRITE: u32 = 5;

/// GitHub's secondary rate limit, for each token.
///
/// A caller who exceeds it is refused for a while, and requests meanwhile do not extend that. GitHub counts
/// points by endpoint and does not define an endpoint; here all of a token's requests count together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SecondaryLimit {
    /// The most points in any 60 seconds; a read is 1 and a write 5.
    pub points_per_minute: u32,
    /// The seconds for which requests are refused, as `retry-after` announces. `None`: 60, without that header.
    pub retry_after: Option<u32>,
    /// The most requests in flight at once, from all callers together: see [`GitHub::enter`].
    pub concurrent: usize,
}

impl Default for SecondaryLimit {
    /// GitHub's numbers, and a `retry-after` of a minute.
    fn default() -> Self {
        Self {
            points_per_minute: 900,
            retry_after: Some(60),
            concurrent: 100,
        }
    }
}

impl SecondaryLimit {
    fn pause(&self) -> TimeDelta {
        TimeDelta::seconds(self.retry_after.unwrap_or(WINDOW_SECONDS).into())
    }
}

/// The points that each token has spent.
#[derive(Debug, Default)]
pub(crate) struct Spending {
    tokens: HashMap<String, Spent>,
}

#[derive(Debug, Default)]
struct Spent {
    /// The points of the last minute, oldest first.
    points: VecDeque<(DateTime<Utc>, u32)>,
    refused_until: Option<DateTime<Utc>>,
}

impl Spent {
    /// Counts a request, unless it is refused: then, until when.
    fn spend(
        &mut self,
        points: u32,
        limit: &SecondaryLimit,
        now: DateTime<Utc>,
    ) -> Result<(), DateTime<Utc>> {
        if let Some(until) = self.refused_until.filter(|until| now < *until) {
            return Err(until);
        }
        let window = TimeDelta::seconds(WINDOW_SECONDS.into());
        while self
            .points
            .front()
            .is_some_and(|(at, _)| now - at >= window)
        {
            self.points.pop_front();
        }
        let spent: u32 = self.points.iter().map(|(_, points)| points).sum();
        if spent + points > limit.points_per_minute {
            // Headers have whole seconds only, and a client that waits by them must not be early.
            let until = now.trunc_subsecs(0) + limit.pause();
            self.refused_until = Some(until);
            return Err(until);
        }
        self.points.push_back((now, points));
        Ok(())
    }
}

impl GitHub {
    /// The refusal of a request that goes beyond the secondary limit; counts the request otherwise.
    pub(crate) fn beyond_secondary_limit(
        &mut self,
        request: &Request,
        caller: &Caller,
        now: DateTime<Utc>,
    ) -> Option<Answer> {
        let limit = self.secondary_limit?;
        let until = if self.in_flight() > limit.concurrent {
            now + limit.pause()
        } else {
            let counter = caller.counter(request).to_owned();
            let spent = self.spending.tokens.entry(counter).or_default();
            spent
                .spend(points(request.method.as_str()), &limit, now)
                .err()?
        };
        let message = format!(
            "You have exceeded a secondary rate limit. Please wait a few minutes before you try again. {}",
            support_hint(&self.request_id(), now)
        );
        let topic = "/using-the-rest-api/rate-limits-for-the-rest-api#about-secondary-rate-limits";
        let answer = Answer::error(403, &message, topic);
        Some(if limit.retry_after.is_some() {
            let wait = until - now.trunc_subsecs(0);
            answer.with_header("retry-after", wait.num_seconds().to_string())
        } else {
            answer
        })
    }

    /// The most points of the [`requests`](Self::requests) in any 60 seconds, including refused ones, from all callers
    /// together; a read is 1 and a write 5.
    pub fn most_points_in_a_minute(&self) -> u32 {
        let mut requests: Vec<(DateTime<Utc>, u32)> = self
            .requests()
            .iter()
            .map(|exchange| (exchange.at, points(&exchange.method)))
            .collect();
        requests.sort_unstable();
        let window = TimeDelta::seconds(WINDOW_SECONDS.into());
        let (mut oldest, mut sum, mut most) = (0, 0, 0);
        for (at, points) in &requests {
            sum += points;
            while *at - requests[oldest].0 >= window {
                sum -= requests[oldest].1;
                oldest += 1;
            }
            most = most.max(sum);
        }
        most
    }
}

fn points(method: &str) -> u32 {
    match method {
        "GET" | "HEAD" | "OPTIONS" => POINTS_OF_A_READ,
        _ => POINTS_OF_A_WRITE,
    }
}
