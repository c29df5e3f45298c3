//! Rules for the headers of requests: GitHub joins repeated ones, and a client must not send some.

use http::{HeaderMap, HeaderValue, Method, header};
use serde_json::json;

use crate::github::GitHub;
use crate::reply::Answer;
use crate::request::Request;

const VERSION_HEADER: &str = "x-github-api-version";

/// The versions of the API, newest first. Without the header GitHub takes the oldest
/// (<https://docs.github.com/rest/about-the-rest-api/api-versions>).
const API_VERSIONS: [&str; 2] = ["2026-03-10", "2022-11-28"];

/// Violations of these rules. Dropping the record fails the test, whatever it tests, unless the record was taken.
#[derive(Debug, Default)]
pub(crate) struct Violations(Vec<String>);

impl Violations {
    fn assert_none(&mut self) {
        let violations = std::mem::take(&mut self.0);
        // A panic within a panic would hide the first.
        if !std::thread::panicking() {
            assert!(
                violations.is_empty(),
                "a client sent what it must not send: {}",
                violations.join("; ")
            );
        }
    }
}

impl Drop for Violations {
    fn drop(&mut self) {
        self.assert_none();
    }
}

impl Request {
    /// The violations of a request: a repeated header, and the length of a body that a GET does not have.
    pub(crate) fn violations(&self) -> Vec<String> {
        let repeated = self
            .headers
            .keys()
            .filter(|name| self.headers.get_all(*name).iter().count() > 1)
            .map(|name| format!("`{name}` twice"));
        let bodiless = matches!(self.method, Method::GET | Method::HEAD);
        let length = self.headers.contains_key(header::CONTENT_LENGTH);
        let length = (bodiless && length).then(|| "`content-length`".to_owned());
        repeated
            .chain(length)
            .map(|what| format!("{what} with {} {}", self.method, self.path_and_query))
            .collect()
    }

    /// The request as GitHub's application gets it: its servers join the values of a repeated header.
    pub(crate) fn joined(&self) -> Self {
        let mut headers = HeaderMap::new();
        for name in self.headers.keys() {
            let values = self.headers.get_all(name).iter();
            let values: Vec<&[u8]> = values.map(HeaderValue::as_bytes).collect();
            if let Ok(value) = HeaderValue::from_bytes(&values.join(&b',')) {
                headers.insert(name, value);
            }
        }
        Self {
            headers,
            ..self.clone()
        }
    }
}

impl GitHub {
    /// The refusal of a version of the API that there is not.
    ///
    /// Source: <https://github.com/expipiplus1/update-nix-fetchgit/issues/79>.
    pub(crate) fn unknown_version(&self, request: &Request) -> Option<Answer> {
        let version = request.headers.get(VERSION_HEADER)?;
        let version = String::from_utf8_lossy(version.as_bytes());
        if API_VERSIONS.contains(&&*version) {
            return None;
        }
        let [newest, oldest] = API_VERSIONS;
        let errors = format!(
            "The version you specified in the \"X-GitHub-API-Version\" request header, \"{version}\", is not a supported \
             version. The following versions are currently supported: \"{newest}\" (most recent) and \"{oldest}\"."
        );
        let body = json!({
            "message": "Bad Request",
            "errors": errors,
            "documentation_url": "https://docs.github.com/rest",
            "status": "400",
        });
        Some(Answer {
            odd: true,
            ..Answer::json(400, &body)
        })
    }

    pub(crate) fn record_violations(&mut self, violations: Vec<String>) {
        self.violations.0.extend(violations);
    }

    /// Takes the violations, so that they fail no test.
    pub fn take_violations(&mut self) -> Vec<String> {
        std::mem::take(&mut self.violations.0)
    }

    /// Fails the test if its client sent something that it must not send. Dropping the state does the same; but a panic
    /// in another thread or task fails no test, so owners of a shared state call this.
    ///
    /// # Panics
    /// If there is such a client, and the thread does not panic already.
    pub fn assert_no_violations(&mut self) {
        self.violations.assert_none();
    }
}
