//! GitHub's own description of its API, and how an exchange compares to it.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use jsonschema::{Draft, Validator};
use serde_json::{Value, json};

use crate::Exchange;
use crate::request::{decoded, query_pairs};
use crate::schema::{with_either_account, with_nulls};

/// The most problems of one body that a message names.
const MOST_PROBLEMS: usize = 3;

/// Answers that any route may give although the description lists them for few.
const COMMON_ERRORS: [u16; 11] = [400, 401, 403, 404, 409, 422, 429, 500, 502, 503, 504];

/// The statuses that any route of a repository may answer with for an old name.
///
/// Source: <https://docs.github.com/rest/using-the-rest-api/best-practices-for-using-the-rest-api#follow-redirects>.
const REDIRECTS: [u16; 2] = [301, 307];

static GITHUB_COM: LazyLock<Description> =
    LazyLock::new(|| Description::parse(include_str!("../openapi/api.github.com.webhooks.json")));
static ENTERPRISE_SERVER: LazyLock<Description> =
    LazyLock::new(|| Description::parse(include_str!("../openapi/ghes-3.17.webhooks.json")));

/// One of the descriptions in `openapi/`.
pub struct Description {
    document: Value,
    /// Compiled schemas, by their place in the document.
    validators: Mutex<HashMap<String, Arc<Validator>>>,
}

impl Description {
    /// That of github.com.
    pub fn github_com() -> &'static Self {
        &GITHUB_COM
    }

    /// That of Enterprise Server 3.17.
    pub fn enterprise_server() -> &'static Self {
        &ENTERPRISE_SERVER
    }

    #[expect(
        clippy::expect_used,
        reason = "the documents are part of this crate, and every test of it reads them"
    )]
    fn parse(text: &str) -> Self {
        let mut document = serde_json::from_str(text).expect("the description is JSON");
        // Before null is allowed, which wraps every schema that may be null.
        with_either_account(&mut document);
        with_nulls(&mut document);
        Self {
            document,
            validators: Mutex::new(HashMap::new()),
        }
    }

    /// Checks that an exchange is as described, below `base_path` (empty, or `/api/v3`).
    ///
    /// Method and path must exist; parameters must be known and of their type; the request's body must match its schema.
    /// Unless the exchange is [`faulted`](Exchange::faulted) or had no answer, the status must be described, or be one of
    /// the errors that any route may answer or a redirect, and the answer's body must match.
    ///
    /// # Errors
    /// The first problems found, with method and path.
    pub fn check(&self, exchange: &Exchange, base_path: &str) -> Result<(), String> {
        let problems = self.problems(exchange, base_path.trim_end_matches('/'));
        if problems.is_empty() {
            return Ok(());
        }
        Err(format!(
            "{} {}: {}",
            exchange.method,
            exchange.path_and_query,
            problems.join("; ")
        ))
    }

    fn problems(&self, exchange: &Exchange, base_path: &str) -> Vec<String> {
        let path = exchange
            .path_and_query
            .split('?')
            .next()
            .unwrap_or_default();
        let Some(path) = path.strip_prefix(base_path) else {
            return vec![format!("the path is not below `{base_path}`")];
        };
        let Some((template, in_path)) = self.template(&with_name(path)) else {
            return vec!["the path is not in GitHub's description".to_owned()];
        };
        let method = exchange.method.to_ascii_lowercase();
        let Some(operation) = self.document["paths"][template].get(&method) else {
            return vec![format!("`{template}` has no such method")];
        };
        let place = format!("{method} {template}");
        let mut problems =
            self.parameter_problems(operation, &in_path, &query_pairs(&exchange.path_and_query));
        problems.extend(self.request_problems(&place, operation, &exchange.body));
        if !exchange.faulted && exchange.status != 0 {
            problems.extend(self.answer_problems(&place, operation, exchange));
        }
        problems
    }

    /// The described path that fits best (the one with the fewest parameters), and the parameters in it.
    fn template(&self, path: &str) -> Option<(&str, Vec<(String, String)>)> {
        let paths = self.document["paths"].as_object()?;
        let fits = paths
            .keys()
            .filter_map(|template| Some((template.as_str(), parameters_in(template, path)?)));
        fits.min_by_key(|(_, parameters)| parameters.len())
    }

    fn parameter_problems(
        &self,
        operation: &Value,
        in_path: &[(String, String)],
        in_query: &[(String, String)],
    ) -> Vec<String> {
        let described: Vec<&Value> = operation["parameters"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|parameter| self.resolved(parameter))
            .collect();
        let places = in_path
            .iter()
            .map(|pair| ("path", pair))
            .chain(in_query.iter().map(|pair| ("query", pair)));
        let mut problems = Vec::new();
        for (place, (name, value)) in places {
            let parameter = described
                .iter()
                .find(|parameter| parameter["in"] == place && parameter["name"] == **name);
            match parameter {
                None => problems.push(format!("`{name}` is not a parameter of the {place}")),
                Some(parameter) => problems.extend(type_problem(name, value, &parameter["schema"])),
            }
        }
        problems
    }

    fn request_problems(&self, place: &str, operation: &Value, body: &[u8]) -> Vec<String> {
        let described = &operation["requestBody"];
        match (described.is_null(), body.is_empty()) {
            (true, true) => Vec::new(),
            (true, false) => vec!["the request has a body, and none is described".to_owned()],
            (false, true) if described["required"] == true => {
                vec!["the request has no body".to_owned()]
            }
            (false, true) => Vec::new(),
            (false, false) => {
                let schema = &described["content"]["application/json"]["schema"];
                self.body_problems("request", &format!("{place} request"), schema, body)
            }
        }
    }

    fn answer_problems(&self, place: &str, operation: &Value, exchange: &Exchange) -> Vec<String> {
        let status = exchange.status;
        let response = match operation["responses"].get(status.to_string()) {
            Some(response) => self.resolved(response),
            None if COMMON_ERRORS.contains(&status) || REDIRECTS.contains(&status) => {
                let schema = &self.document["components"]["schemas"]["basic-error"];
                return self.recorded_problems("an error", schema, exchange);
            }
            None => return vec![format!("the status {status} is not described")],
        };
        match response.get("content") {
            None if exchange.answer.is_empty() => Vec::new(),
            None => vec![format!(
                "the answer {status} has a body, and none is described"
            )],
            Some(content) => {
                let schema = &content["application/json"]["schema"];
                self.recorded_problems(&format!("{place} {status}"), schema, exchange)
            }
        }
    }

    fn recorded_problems(&self, key: &str, schema: &Value, exchange: &Exchange) -> Vec<String> {
        if !exchange.answer_recorded {
            return Vec::new();
        }
        self.body_problems(
            &format!("answer {}", exchange.status),
            key,
            schema,
            &exchange.answer,
        )
    }

    fn body_problems(&self, what: &str, key: &str, schema: &Value, body: &[u8]) -> Vec<String> {
        let body: Value = match serde_json::from_slice(body) {
            Ok(body) => body,
            Err(error) => return vec![format!("{what}: not JSON: {error}")],
        };
        let validator = match self.validator(key, schema) {
            Ok(validator) => validator,
            Err(problem) => return vec![problem],
        };
        let errors = validator.iter_errors(&body).take(MOST_PROBLEMS);
        errors
            .map(|error| format!("{what} at `{}`: {error}", error.instance_path()))
            .collect()
    }

    fn validator(&self, key: &str, schema: &Value) -> Result<Arc<Validator>, String> {
        let mut validators = self
            .validators
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(validator) = validators.get(key) {
            return Ok(Arc::clone(validator));
        }
        // References point to `#/components/schemas/...`, so the schema's document must contain those.
        let whole = json!({ "allOf": [schema], "components": { "schemas": self.document["components"]["schemas"] } });
        let options = jsonschema::options()
            .with_draft(Draft::Draft202012)
            .should_validate_formats(true);
        let validator = options
            .build(&whole)
            .map_err(|error| format!("the schema of `{key}` is not usable: {error}"))?;
        let validator = Arc::new(validator);
        validators.insert(key.to_owned(), Arc::clone(&validator));
        Ok(validator)
    }

    /// The target of a `$ref`, or the value itself.
    fn resolved<'a>(&'a self, value: &'a Value) -> &'a Value {
        let target = value["$ref"]
            .as_str()
            .and_then(|reference| reference.strip_prefix('#'));
        target
            .and_then(|pointer| self.document.pointer(pointer))
            .unwrap_or(value)
    }
}

/// The path of an owner by name for one by id, which GitHub's links and redirects lead to and its description leaves out.
/// The id takes the name's place.
fn with_name(path: &str) -> Cow<'_, str> {
    for (by_id, by_name) in [
        ("/repositories/", "/repos/by-id"),
        ("/organizations/", "/orgs"),
    ] {
        let owned = path.strip_prefix(by_id);
        if let Some((id, rest)) = owned.and_then(|owned| owned.split_once('/'))
            && id.parse::<u64>().is_ok()
        {
            return format!("{by_name}/{id}/{rest}").into();
        }
    }
    path.into()
}

/// The parameters in `path` if it fits the template.
fn parameters_in(template: &str, path: &str) -> Option<Vec<(String, String)>> {
    let (templates, segments): (Vec<&str>, Vec<&str>) =
        (template.split('/').collect(), path.split('/').collect());
    if templates.len() != segments.len() {
        return None;
    }
    let mut parameters = Vec::new();
    for (template, segment) in templates.iter().zip(segments) {
        match template
            .strip_prefix('{')
            .and_then(|name| name.strip_suffix('}'))
        {
            Some(name) if !segment.is_empty() => {
                parameters.push((name.to_owned(), decoded(segment)))
            }
            None if *template == segment => {}
            _ => return None,
        }
    }
    Some(parameters)
}

fn type_problem(name: &str, value: &str, schema: &Value) -> Option<String> {
    if schema["type"] == "integer" && value.parse::<u64>().is_err() {
        return Some(format!("`{name}` is not a number: `{value}`"));
    }
    let allowed = schema["enum"].as_array()?;
    (!allowed.iter().any(|one| one == value)).then(|| format!("`{name}` cannot be `{value}`"))
}
