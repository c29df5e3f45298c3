//! Samples of receivers' responses: one for each cause, and only if the user wants them.

use std::collections::HashMap;

use crate::github;
use crate::github::{Client, RequestError};
use crate::report::{Report, Sample};

/// Most causes with a sample, commonest first: people read no more.
const CAUSES: usize = 10;

/// Fetches the response to the newest delivery of each cause, one request each. `clients` are the clients by webhook. It
/// never fails: an error takes the response's place.
pub async fn samples(report: &Report, clients: &HashMap<String, Client>) -> Vec<Sample> {
    let mut samples = Vec::new();
    for cause in report.causes().into_iter().take(CAUSES) {
        let (webhook, delivery) = cause.newest;
        let Some(client) = clients.get(&webhook.webhook.key()) else {
            continue;
        };
        let newest = &delivery.failure.newest;
        let answer = github::response(client, &webhook.webhook, newest.id).await;
        let ends = answer.as_ref().is_err_and(|error| ends(error.failure()));
        samples.push(Sample {
            cause: (cause.status.into(), cause.code, cause.event.into()),
            webhook: webhook.webhook.to_string(),
            attempt: newest.id,
            answer: answer.map_err(|error| error.failure().to_string()),
        });
        if ends {
            break;
        }
    }
    samples
}

/// True if no further sample is fetched after this: the pass ends, or GitHub allows no more.
fn ends(failure: &RequestError) -> bool {
    failure.is_stop() || failure.is_limit() || failure.status() == Some(401)
}
