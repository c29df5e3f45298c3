//! Repository variables of GitHub Actions
//! (<https://docs.github.com/en/rest/actions/variables>).

use http::Method;
use serde::{Deserialize, Serialize};

use super::client::Client;
use super::error::{Error, RequestError, Subject};
use crate::inputs::CheckpointPlace;

#[derive(Deserialize)]
struct Variable {
    value: String,
}

#[derive(Serialize)]
struct Change<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    value: &'a str,
}

/// A variable's value; `None` if there is no such variable.
///
/// # Errors
/// It could not be read.
pub async fn variable(client: &Client, place: &CheckpointPlace) -> Result<Option<String>, Error> {
    let value = async {
        let answer = client.read(&path(place), |_| {}).await?;
        Ok::<_, RequestError>(answer.json::<Variable>()?.value)
    };
    match value.await {
        Ok(value) => Ok(Some(value)),
        Err(failure) if failure.status() == Some(404) => Ok(None),
        Err(failure) => Err(subject(place).failed(failure)),
    }
}

/// Creates a variable; one that somebody else created meanwhile is changed.
///
/// # Errors
/// Neither worked.
pub async fn create_variable(
    client: &Client,
    place: &CheckpointPlace,
    value: &str,
) -> Result<(), Error> {
    let body = Change {
        name: Some(&place.variable),
        value,
    };
    let created = client
        .write(Method::POST, &variables_path(place), Some(&body))
        .await;
    match created {
        Ok(_) => Ok(()),
        Err(failure) if failure.status() == Some(409) => {
            update_variable(client, place, value).await
        }
        Err(failure) => Err(subject(place).failed(failure)),
    }
}

/// Changes a variable that is there.
///
/// # Errors
/// It could not be changed.
pub async fn update_variable(
    client: &Client,
    place: &CheckpointPlace,
    value: &str,
) -> Result<(), Error> {
    let body = Change { name: None, value };
    client
        .write(Method::PATCH, &path(place), Some(&body))
        .await
        .map(drop)
        .map_err(|failure| subject(place).failed(failure))
}

fn variables_path(place: &CheckpointPlace) -> String {
    format!("/repos/{}/actions/variables", place.repository)
}

fn path(place: &CheckpointPlace) -> String {
    format!("{}/{}", variables_path(place), place.variable)
}

fn subject(place: &CheckpointPlace) -> Subject {
    let CheckpointPlace {
        repository,
        variable,
    } = place;
    Subject {
        name: format!("checkpoint variable `{variable}` in `{repository}`"),
        needs: format!(
            "give the token the repository permission Variables: write on `{repository}`; a classic \
             token needs the scope `repo`, and a workflow's own GITHUB_TOKEN can never do it"
        ),
    }
}
