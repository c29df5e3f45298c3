//! Repository variables of GitHub Actions
//! (<https://docs.github.com/en/rest/actions/variables>).

use http::Method;
use serde::{Deserialize, Serialize};

use crate::github::calls::client::Client;
use crate::github::failure::error::Error;
use crate::github::failure::request_error::RequestError;
use crate::github::failure::subject::{Access, Subject};
use crate::model::Variable;

#[derive(Deserialize)]
struct VariableResponse {
    value: String,
}

#[derive(Serialize)]
struct VariableRequest<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    value: &'a str,
}

/// A variable's value; `None` if there is no such variable.
///
/// # Errors
/// It could not be read.
pub async fn variable(client: &Client, variable: &Variable) -> Result<Option<String>, Error> {
    let value = async {
        let response = client.read(&path(variable), |_| {}).await?;
        Ok::<_, RequestError>(response.json::<VariableResponse>()?.value)
    };
    match value.await {
        Ok(value) => Ok(Some(value)),
        Err(failure) if failure.status() == Some(404) => Ok(None),
        Err(failure) => Err(client.failed(&subject(variable), failure)),
    }
}

/// Creates a variable, or changes it if it was created meanwhile.
///
/// # Errors
/// It could be neither created nor changed.
pub async fn create_variable(
    client: &Client,
    variable: &Variable,
    value: &str,
) -> Result<(), Error> {
    let body = VariableRequest {
        name: Some(&variable.name),
        value,
    };
    let created = client
        .write(Method::POST, &variables_path(variable), Some(&body))
        .await;
    match created {
        Ok(_) => Ok(()),
        Err(failure) if failure.status() == Some(409) => {
            update_variable(client, variable, value).await
        }
        Err(failure) => Err(client.failed(&subject(variable), failure)),
    }
}

/// Changes an existing variable.
///
/// # Errors
/// It could not be changed.
pub async fn update_variable(
    client: &Client,
    variable: &Variable,
    value: &str,
) -> Result<(), Error> {
    let body = VariableRequest { name: None, value };
    client
        .write(Method::PATCH, &path(variable), Some(&body))
        .await
        .map(drop)
        .map_err(|failure| client.failed(&subject(variable), failure))
}

fn variables_path(variable: &Variable) -> String {
    format!("/repos/{}/actions/variables", variable.repository)
}

fn path(variable: &Variable) -> String {
    format!("{}/{}", variables_path(variable), variable.name)
}

fn subject(variable: &Variable) -> Subject {
    let Variable { repository, name } = variable;
    Subject {
        name: format!("checkpoint variable `{name}` in `{repository}`"),
        access: Access::Variables(repository.clone()),
    }
}
