//! Routes of a repository's Actions variables.
//!
//! The rules are GitHub's: <https://docs.github.com/actions/reference/workflows-and-actions/variables>.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::github::GitHub;
use crate::paging;
use crate::reply::Answer;
use crate::request::Request;

/// The most a value may have, in bytes.
const MOST_VALUE_BYTES: usize = 48 * 1024;

/// GitHub's size of a page of variables unless the request names another, and the most it gives.
const PER_PAGE: usize = 10;
const MOST_PER_PAGE: usize = 30;

const TOPIC: &str = "/actions/variables";

/// A variable. Its name is the key it is kept under, in upper case.
#[derive(Debug, Clone)]
pub(crate) struct Variable {
    pub(crate) value: String,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl Variable {
    pub(crate) fn new(value: &str, now: DateTime<Utc>) -> Self {
        Self {
            value: value.to_owned(),
            created_at: now,
            updated_at: now,
        }
    }

    fn json(&self, name: &str) -> Value {
        json!({ "name": name, "value": self.value, "created_at": self.created_at, "updated_at": self.updated_at })
    }
}

/// The body of a request that sets a variable.
struct Wanted {
    name: Option<String>,
    value: Option<String>,
}

impl Wanted {
    fn of(request: &Request) -> Result<Self, Answer> {
        let Ok(Value::Object(body)) = serde_json::from_slice(&request.body) else {
            return Err(Answer::error(400, "Problems parsing JSON", TOPIC));
        };
        let text = |key: &str| match body.get(key) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(other) => Err(invalid(&format!("`{key}`: {other} is not a string"))),
        };
        let name = text("name")?.map(|name| checked_name(&name)).transpose()?;
        let value = text("value")?;
        if value
            .as_ref()
            .is_some_and(|value| value.len() > MOST_VALUE_BYTES)
        {
            return Err(invalid(
                "Variable value is too large. Values may have 48 KB at most.",
            ));
        }
        Ok(Self { name, value })
    }
}

impl GitHub {
    pub(crate) fn list_variables(&self, request: &Request, repository: &str) -> Answer {
        let all: Vec<(&String, &Variable)> = self
            .repositories
            .get(repository)
            .into_iter()
            .flat_map(|repository| &repository.variables)
            .collect();
        let size = paging::per_page(request, PER_PAGE, MOST_PER_PAGE);
        let url = format!(
            "{}/repos/{repository}/actions/variables",
            self.root(request)
        );
        let (page, link) = paging::numbered(&all, request, size, &url);
        let variables: Vec<Value> = page
            .iter()
            .map(|(name, variable)| variable.json(name))
            .collect();
        Answer {
            link,
            ..Answer::json(
                200,
                &json!({ "total_count": all.len(), "variables": variables }),
            )
        }
    }

    pub(crate) fn show_variable(&self, repository: &str, name: &str) -> Result<Answer, Answer> {
        let name = name.to_ascii_uppercase();
        let repository = self.repositories.get(repository);
        let variable = repository
            .and_then(|repository| repository.variables.get(&name))
            .ok_or_else(|| Answer::not_found(TOPIC))?;
        Ok(Answer::json(200, &variable.json(&name)))
    }

    pub(crate) fn create_variable(
        &mut self,
        request: &Request,
        repository: &str,
        now: DateTime<Utc>,
    ) -> Result<Answer, Answer> {
        let wanted = Wanted::of(request)?;
        let (Some(name), Some(value)) = (wanted.name, wanted.value) else {
            return Err(invalid("Invalid request. `name` and `value` are needed."));
        };
        let variables = self.variables_of(repository)?;
        if variables.contains_key(&name) {
            return Err(Answer::error(
                409,
                "Already exists - Variable already exists",
                TOPIC,
            ));
        }
        variables.insert(name, Variable::new(&value, now));
        Ok(Answer::json(201, &json!({})))
    }

    pub(crate) fn update_variable(
        &mut self,
        request: &Request,
        repository: &str,
        name: &str,
        now: DateTime<Utc>,
    ) -> Result<Answer, Answer> {
        let wanted = Wanted::of(request)?;
        let name = name.to_ascii_uppercase();
        let variables = self.variables_of(repository)?;
        let new_name = wanted.name.unwrap_or_else(|| name.clone());
        if new_name != name && variables.contains_key(&new_name) {
            return Err(Answer::error(
                409,
                "Already exists - Variable already exists",
                TOPIC,
            ));
        }
        let mut variable = variables
            .remove(&name)
            .ok_or_else(|| Answer::not_found(TOPIC))?;
        variable.updated_at = now;
        variable.value = wanted.value.unwrap_or(variable.value);
        variables.insert(new_name, variable);
        Ok(Answer::empty(204))
    }

    pub(crate) fn delete_variable(
        &mut self,
        repository: &str,
        name: &str,
    ) -> Result<Answer, Answer> {
        let variables = self.variables_of(repository)?;
        variables
            .remove(&name.to_ascii_uppercase())
            .map(|_| Answer::empty(204))
            .ok_or_else(|| Answer::not_found(TOPIC))
    }

    fn variables_of(
        &mut self,
        repository: &str,
    ) -> Result<&mut BTreeMap<String, Variable>, Answer> {
        self.repositories
            .get_mut(repository)
            .map(|repository| &mut repository.variables)
            .ok_or_else(|| Answer::not_found(TOPIC))
    }
}

fn invalid(message: &str) -> Answer {
    Answer::error(422, message, TOPIC)
}

/// The name in upper case, if GitHub would have it.
fn checked_name(name: &str) -> Result<String, Answer> {
    let name = name.to_ascii_uppercase();
    let first = name
        .bytes()
        .next()
        .is_some_and(|byte| byte == b'_' || byte.is_ascii_uppercase());
    let rest = name
        .bytes()
        .all(|byte| byte == b'_' || byte.is_ascii_uppercase() || byte.is_ascii_digit());
    if !first || !rest {
        return Err(invalid(
            "Variable names can only contain alphanumeric characters ([a-z], [A-Z], [0-9]) or underscores (_). Spaces are \
             not allowed. Must start with a letter ([a-z], [A-Z]) or underscores (_).",
        ));
    }
    if name.starts_with("GITHUB_") {
        return Err(invalid("Variable names must not start with GITHUB_."));
    }
    Ok(name)
}
