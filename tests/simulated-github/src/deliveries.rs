//! Routes of the delivery log, and redelivery.

use chrono::{DateTime, SubsecRound, Utc};
use serde::{Serialize, Serializer};
use serde_json::{Value, json};

use crate::Attempt;
use crate::github::GitHub;
use crate::log::Filter;
use crate::paging;
use crate::reply::Answer;
use crate::request::Request;
use crate::route::HookPath;

/// GitHub's size of a page of the log unless the request names another.
const PER_PAGE: usize = 30;

/// The precision of a redelivery's `delivered_at`, in digits after the second: GitHub's.
const SUBSECOND_DIGITS: u16 = 3;

/// The time that a redelivery takes the receiver, in seconds.
const REDELIVERY_SECONDS: f64 = 0.31;

/// A row as it is served. A page is written straight to bytes, for logs are long.
struct Row<'a>(&'a Attempt);

impl Serialize for Row<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0.raw {
            Some(raw) => raw.serialize(serializer),
            None => self.0.serialize(serializer),
        }
    }
}

impl GitHub {
    pub(crate) fn list_deliveries(
        &self,
        request: &Request,
        hook: &HookPath,
        now: DateTime<Utc>,
        topic: &str,
    ) -> Result<Answer, Answer> {
        let webhook = self.find_hook(hook, topic)?;
        let size = paging::per_page(request, PER_PAGE, self.attempts_a_page);
        let status = request.query("status");
        let filter = match status.as_deref() {
            None => Filter::All,
            Some("success") => Filter::Success,
            Some("failure") => Filter::Failure,
            Some(other) => return Err(invalid(&format!("`{other}` is not a status"), topic)),
        };
        let after = request
            .query("cursor")
            .map(|cursor| cursor_id(&cursor).ok_or_else(|| invalid("Invalid cursor", topic)));
        let page = webhook.log.page(after.transpose()?, size, filter, now);
        let mut page = page.ok_or_else(|| invalid("Invalid cursor", topic))?;
        if self.shuffled {
            page.attempts.sort_by_key(|attempt| scrambled(attempt.id));
        }
        let link = page.next.map(|id| {
            let path = hook_path(hook);
            let status = status
                .map(|status| format!("&status={status}"))
                .unwrap_or_default();
            format!(
                "<{}/{path}/deliveries?per_page={size}{status}&cursor=v1_{id}>; rel=\"next\"",
                self.root(request)
            )
        });
        let odd = page.attempts.iter().any(|attempt| attempt.is_odd());
        let rows: Vec<Row<'_>> = page.attempts.into_iter().map(Row).collect();
        Ok(Answer {
            link,
            odd,
            ..Answer::json(200, &rows)
        })
    }

    pub(crate) fn show_delivery(
        &self,
        hook: &HookPath,
        id: u64,
        now: DateTime<Utc>,
        topic: &str,
    ) -> Result<Answer, Answer> {
        let webhook = self.find_hook(hook, topic)?;
        let attempt = webhook
            .log
            .get(id, now)
            .ok_or_else(|| Answer::not_found(topic))?;
        let mut body = match serde_json::to_value(Row(attempt)) {
            Ok(body) => body,
            Err(error) => return Err(Answer::error(500, &error.to_string(), topic)),
        };
        if attempt.raw.is_none() {
            body["url"] = json!(webhook.url);
            body["request"] = request_json(webhook.id, attempt);
            body["response"] = json!({ "headers": {}, "payload": attempt.answer });
        }
        Ok(Answer {
            odd: attempt.is_odd(),
            ..Answer::json(200, &body)
        })
    }

    /// Accepts a redelivery, or refuses it. Its outcome is decided here and appears in the log later.
    pub(crate) fn redeliver(
        &mut self,
        hook: &HookPath,
        id: u64,
        now: DateTime<Utc>,
        topic: &str,
    ) -> Result<Answer, Answer> {
        let webhook = self.find_hook(hook, topic)?;
        let attempt = webhook
            .log
            .get(id, now)
            .ok_or_else(|| Answer::not_found(topic))?
            .clone();
        let webhook_id = webhook.id;
        if let Some((status, message)) = self.refused.get(&id) {
            return Err(Answer::error(*status, message, topic));
        }
        if now - attempt.delivered_at > self.retention {
            return Err(Answer::error(
                self.expired_status,
                "The delivery is too old to be redelivered.",
                topic,
            ));
        }
        let made_at = now + self.redelivery_delay;
        let visible_from = made_at + self.log_lag;
        let webhook = self.webhook_mut(webhook_id);
        let (status, code) = webhook.receiver.answer(&attempt.guid, made_at);
        webhook.requested.push(id);
        let row = Attempt {
            id: 0,
            delivered_at: made_at.trunc_subsecs(SUBSECOND_DIGITS),
            duration: REDELIVERY_SECONDS,
            throttled_at: None,
            answer: String::new(),
            raw: None,
            ..attempt.redelivery().with_status(status, code)
        };
        webhook.log_late(row, visible_from);
        Ok(Answer::json(202, &json!({})))
    }
}

fn hook_path(hook: &HookPath) -> String {
    match hook.id {
        Some(id) => format!("{}/{id}", hook.owner.path()),
        None => hook.owner.path(),
    }
}

/// A cursor names the last row of the page before. The form is one seen at GitHub; clients must not build it.
fn cursor_id(cursor: &str) -> Option<u64> {
    cursor.strip_prefix("v1_")?.parse().ok()
}

fn invalid(message: &str, topic: &str) -> Answer {
    Answer::error(422, message, topic)
}

/// An order that has nothing to do with time and is the same on every run (the finalizer of splitmix64).
fn scrambled(id: u64) -> u64 {
    let mixed = (id ^ (id >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// The request that GitHub sent to the receiver. The headers are GitHub's; the payload is the least that goes with the row.
fn request_json(hook_id: u64, attempt: &Attempt) -> Value {
    let mut payload = json!({});
    if let Some(action) = &attempt.action {
        payload["action"] = json!(action);
    }
    if let Some(id) = attempt.repository_id {
        payload["repository"] = json!({ "id": id });
    }
    if let Some(id) = attempt.installation_id {
        payload["installation"] = json!({ "id": id });
    }
    json!({
        "headers": {
            "X-GitHub-Delivery": attempt.guid,
            "X-GitHub-Event": attempt.event,
            "X-GitHub-Hook-ID": hook_id.to_string(),
            "content-type": "application/json",
        },
        "payload": payload,
    })
}
