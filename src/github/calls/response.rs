//! The receiver's response to one attempt
//! (<https://docs.github.com/en/rest/orgs/webhooks#get-a-webhook-delivery-for-an-organization-webhook>).

use std::time::Duration;

use http::StatusCode;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::github::calls::client::Client;
use crate::github::failure::error::Error;
use crate::github::failure::subject::Subject;
use crate::model::Webhook;
use crate::model::{AttemptId, ReceiverResponse};
use crate::secrets::Secrets;

/// Characters of a body that are kept: enough for a hint, and no more because a body may hold secrets.
const BODY: usize = 300;

/// The details of one attempt. The request that GitHub sent, and its URL, are not read.
#[derive(Deserialize)]
struct AttemptDetails<'a> {
    #[serde(default)]
    status_code: Option<u16>,
    #[serde(default)]
    duration: Option<f64>,
    #[serde(borrow, default)]
    response: Option<ResponseDetails<'a>>,
}

#[derive(Deserialize)]
struct ResponseDetails<'a> {
    #[serde(borrow, default)]
    payload: Option<&'a RawValue>,
}

/// Reads the receiver's response to an attempt.
///
/// # Errors
/// It could not be read.
pub async fn response(
    client: &Client,
    webhook: &Webhook,
    attempt: AttemptId,
) -> Result<ReceiverResponse, Error> {
    let path = format!("{}/deliveries/{attempt}", webhook.path());
    let failed = |failure| client.failed(&Subject::of_webhook(webhook), failure);
    let response = client.read(&path, |_| {}).await.map_err(failed)?;
    let details = response.json::<AttemptDetails<'_>>().map_err(failed)?;
    Ok(details.response(client.secrets()))
}

impl AttemptDetails<'_> {
    /// The response, without known secrets.
    fn response(self, secrets: &Secrets) -> ReceiverResponse {
        let status = match self.status_code {
            None | Some(0) => "no answer".to_owned(),
            Some(code) => {
                let status = StatusCode::from_u16(code).ok();
                match status.and_then(|status| status.canonical_reason()) {
                    Some(reason) => format!("{code} {reason}"),
                    None => code.to_string(),
                }
            }
        };
        let payload = self.response.and_then(|response| response.payload);
        // GitHub sends text as a string, and JSON as JSON.
        let body = payload.map(RawValue::get).map_or_else(String::new, |raw| {
            match serde_json::from_str::<Option<String>>(raw) {
                Ok(text) => text.unwrap_or_default(),
                Err(_) => raw.to_owned(),
            }
        });
        let body = secrets.clean(&body);
        let cut = body.char_indices().nth(BODY).map(|(place, _)| place);
        let seconds = self.duration.map(Duration::try_from_secs_f64);
        ReceiverResponse {
            status,
            cut: cut.is_some(),
            body: body[..cut.unwrap_or(body.len())].to_owned(),
            duration: seconds.and_then(Result::ok),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response_of(json: &str) -> ReceiverResponse {
        let details: AttemptDetails<'_> = serde_json::from_str(json).unwrap();
        details.response(&Secrets::default())
    }

    #[test]
    fn a_response_is_its_status_duration_and_the_beginning_of_its_body() {
        let response = response_of(
            r#"{"status_code":503,"duration":0.31,"url":"https://ci.acme.com/secret",
                "response":{"headers":{},"payload":"over\nloaded"}}"#,
        );
        assert_eq!(
            response,
            ReceiverResponse {
                status: "503 Service Unavailable".into(),
                body: "over\nloaded".into(),
                cut: false,
                duration: Some(Duration::from_millis(310)),
            }
        );
        let long = format!(
            r#"{{"status_code":599,"response":{{"payload":"{}"}}}}"#,
            "é".repeat(301)
        );
        let long = response_of(&long);
        assert_eq!((long.body.chars().count(), long.cut), (300, true));
        assert_eq!((&*long.status, long.duration), ("599", None));
    }

    #[test]
    fn missing_parts_of_a_response_are_left_out() {
        for odd in [
            "{}",
            r#"{"status_code":0,"duration":-1.0,"response":null}"#,
            r#"{"status_code":null,"duration":1e300,"response":{"payload":null}}"#,
            r#"{"response":{}}"#,
        ] {
            let response = response_of(odd);
            let plain = (&*response.status, &*response.body, response.duration);
            assert_eq!(plain, ("no answer", "", None), "{odd}");
        }
        let json = response_of(r#"{"status_code":400,"response":{"payload":{"error":"no"}}}"#);
        assert_eq!(json.body, r#"{"error":"no"}"#);
    }
}
