//! Messages about a pass that ended early: the reason, the remaining work, and when to run again.

use chrono::{DateTime, TimeDelta, Utc};

use crate::github::{LimitEnd, Remaining};
use crate::model::Outcome;
use crate::report::{Report, SOON, WebhookReport};
use crate::stop::StopReason;
use crate::text::time::in_a_sentence;
use crate::text::{a_few, counted, number, rfc3339};

/// It is an error if no pass read a log's newest rows for longer than this.
const LONGEST_UNREAD: TimeDelta = TimeDelta::hours(24);

/// The warning about credentials that reached GitHub's rate limit.
pub fn of_limits(report: &Report, limits: &[LimitEnd], pace: u32) -> Option<String> {
    let until = limits.iter().map(|each| each.until).max()?;
    let names: Vec<String> = limits.iter().map(|each| each.name.clone()).collect();
    let whose = match &names[..] {
        // Most passes have no other credential.
        [only] if only == "`token`" => String::new(),
        names => format!(" for {}", a_few(names)),
    };
    let ended = format!("GitHub's rate limit is reached{whose}");
    let mut warning = of_end(report, &ended, StopReason::Limit(until), pace, until);
    let remaining = limits.iter().filter_map(|each| each.remaining);
    if let Some(Remaining { left, limit }) = remaining.min_by_key(|each| each.left)
        && (1..=limit / 10).contains(&left)
    {
        warning.push_str(&format!(
            "; the {} of {} requests that remain this hour are left to others",
            number(left),
            number(limit)
        ));
    }
    Some(warning)
}

/// The warning about a pass that was cancelled or that reached its time limit.
pub fn of_stop(report: &Report, why: StopReason, pace: u32, now: DateTime<Utc>) -> Option<String> {
    match why {
        StopReason::Cancelled => {
            Some("The pass was cancelled: the next one goes on where it ended".to_owned())
        }
        StopReason::TimeLimit => Some(of_end(report, "`time-limit` was reached", why, pace, now)),
        // See `of_limits`.
        StopReason::Limit(_) => None,
    }
}

/// One sentence: the reason why the pass `ended`, the remaining work, and the next step. Redelivery continues at `next`.
fn of_end(report: &Report, ended: &str, why: StopReason, pace: u32, next: DateTime<Utc>) -> String {
    let deferred = report.count(|outcome| outcome == Outcome::Deferred);
    let unread: Vec<String> = report.unread().collect();
    let mut left = Vec::new();
    if deferred > 0 {
        left.push(format!("{} left", counted(deferred, "delivery")));
    }
    if !unread.is_empty() {
        left.push(format!("{} not read to the end", a_few(&unread)));
    }
    let left = match &left[..] {
        [] => String::new(),
        left => format!(" with {}", left.join(" and ")),
    };
    let late = match too_late(report, pace, next) {
        _ if deferred == 0 => String::new(),
        // The unread part may hold some that do.
        0 if !unread.is_empty() => String::new(),
        0 => "; none of them expires before its turn at this pace".to_owned(),
        1 => "; at this pace 1 expires before its turn".to_owned(),
        late => format!("; at this pace {late} expire before their turn"),
    };
    format!("{ended}{left}: {}{late}", next_step(why))
}

/// The error about unread logs whose deliveries may be lost before anyone notices. `why`: the reason why reading
/// ended. There is no such error if the pass has another one.
pub fn of_unread(report: &Report, why: Option<StopReason>) -> Option<String> {
    if report.cancelled || !report.errors.is_empty() {
        return None;
    }
    // The reason at a log is more exact than the pass's.
    let ended = report.webhooks.iter().filter_map(|each| each.ended);
    let until = |why: &StopReason| match why {
        StopReason::Limit(until) => Some(*until),
        _ => None,
    };
    let why = ended.max_by_key(until).or(why);
    let (because, step) = match why {
        Some(why) => (format!(" because {}", why.reason()), next_step(why)),
        None => (String::new(), "see the warnings".to_owned()),
    };
    if report.webhooks.iter().all(|webhook| webhook.pages == 0) {
        return Some(format!("no delivery log was read{because}: {step}"));
    }
    let unseen = |webhook: &WebhookReport| {
        let known = webhook.read_until.filter(|_| webhook.pages == 0)?;
        Some((webhook.webhook.to_string(), known))
    };
    let logs = report.webhooks.iter().filter_map(unseen);
    let accounts = report.unread_accounts.iter().cloned();
    let accounts = accounts.filter_map(|account| Some((account, report.accounts_read_until?)));
    let newest = report.began? - LONGEST_UNREAD;
    let unseen = accounts.chain(logs).filter(|(_, known)| *known < newest);
    if let Some((names, known)) = together(unseen) {
        let known = in_a_sentence(known);
        return Some(format!("{names}: not read since {known}{because}: {step}"));
    }
    let expires = report.window?.retention_start + SOON;
    // Originals before the window belong to deliveries that are reported as open.
    let unread = |webhook: &WebhookReport| {
        let from = webhook.unread_from.filter(|from| *from < expires)?;
        if webhook.only_originals_unread {
            return None;
        }
        Some((webhook.webhook.to_string(), from))
    };
    let (names, from) = together(report.webhooks.iter().filter_map(unread))?;
    let from = in_a_sentence(from);
    Some(format!(
        "{names}: not read back to {from}{because}, and what failed there may expire within 12 hours: {step}"
    ))
}

fn next_step(why: StopReason) -> String {
    match why {
        StopReason::Cancelled => "run again".to_owned(),
        StopReason::Limit(until) => format!("run again after {}, or less often", rfc3339(until)),
        StopReason::TimeLimit => "run again soon, or give a pass more time".to_owned(),
    }
}

/// The names as one phrase, and the earliest time.
fn together(all: impl Iterator<Item = (String, DateTime<Utc>)>) -> Option<(String, DateTime<Utc>)> {
    let (names, times): (Vec<_>, Vec<_>) = all.unzip();
    Some((a_few(&names), times.into_iter().min()?))
}

/// Number of deferred deliveries that will be past GitHub's redelivery deadline when it is their turn, if redelivering
/// goes on at `next`.
fn too_late(report: &Report, pace: u32, next: DateTime<Utc>) -> usize {
    let (Some(began), Some(window)) = (report.began, report.window) else {
        return 0;
    };
    let retention = began - window.retention_start;
    let left = report
        .deliveries()
        .filter(|each| each.outcome == Outcome::Deferred);
    let mut firsts: Vec<_> = left.filter_map(|each| each.failure.first.time()).collect();
    firsts.sort_unstable();
    let turns = (0_i64..).map(|turn| next + TimeDelta::seconds(turn * 60 / i64::from(pace.max(1))));
    let late = firsts
        .into_iter()
        .zip(turns)
        .filter(|(first, turn)| *first + retention < *turn);
    late.count()
}
