//! Problems with the inputs. All of them are collected, so that one run reports every problem.

use std::fmt;

use super::known_secrets::KnownSecrets;

/// A problem with an input, and the step that fixes it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Problem {
    wrong: String,
    next_step: String,
}

impl Problem {
    pub(super) fn new(wrong: &str, next_step: &str) -> Self {
        Self {
            wrong: wrong.into(),
            next_step: next_step.into(),
        }
    }
}

/// A wrong input: its name, the problem, and the step that fixes it.
#[derive(Debug, PartialEq, Eq)]
pub struct InputError(String);

impl InputError {
    pub(super) fn new(name: &str, problem: Problem) -> Self {
        Self(format!("`{name}` {}: {}", problem.wrong, problem.next_step))
    }

    /// The error about `name`, which is not an input but close to the name of `input`.
    pub(super) fn unknown(name: &str, input: &str) -> Self {
        let name = KnownSecrets::default().shown(name, None);
        Self(format!("`{name}` is not an input. Did you mean `{input}`?"))
    }
}

impl fmt::Display for InputError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stop = if self.0.ends_with('?') { "" } else { "." };
        write!(f, "{}{stop} Nothing was done.", self.0)
    }
}

/// The items of a list, which commas or new lines separate.
fn items(value: &str) -> impl Iterator<Item = &str> {
    value
        .split([',', '\n'])
        .map(str::trim)
        .filter(|item| !item.is_empty())
}

/// Everything that is wrong with the inputs so far.
#[derive(Debug, Default)]
pub(super) struct Problems {
    errors: Vec<InputError>,
    secrets: KnownSecrets,
}

impl Problems {
    /// Keeps these secrets out of all messages.
    pub(super) fn hide(&mut self, secrets: KnownSecrets) {
        self.secrets = secrets;
    }

    pub(super) fn count(&self) -> usize {
        self.errors.len()
    }

    pub(super) fn add(&mut self, name: &str, wrong: &str, next_step: &str) {
        self.push(InputError::new(name, Problem::new(wrong, next_step)));
    }

    pub(super) fn push(&mut self, error: InputError) {
        self.errors.push(error);
    }

    /// The value, or `None` and one more problem.
    pub(super) fn check<T>(&mut self, name: &str, result: Result<T, Problem>) -> Option<T> {
        result
            .map_err(|problem| self.push(InputError::new(name, problem)))
            .ok()
    }

    /// The value of an input. `None` if it is unset, and if it is wrong, with one more problem.
    pub(super) fn parse<T>(
        &mut self,
        name: &str,
        value: Option<&str>,
        parse: impl FnOnce(&str) -> Result<T, &'static str>,
    ) -> Option<T> {
        let value = value?;
        parse(value)
            .map_err(|accepted| self.not_accepted(name, value, None, accepted))
            .ok()
    }

    /// Hands each item of a list to `add`. Those that it does not accept become problems.
    pub(super) fn parse_list(
        &mut self,
        name: &str,
        list: Option<&str>,
        mut add: impl FnMut(&str) -> Result<(), &'static str>,
    ) {
        for item in items(list.unwrap_or_default()) {
            if let Err(accepted) = add(item) {
                self.not_accepted(name, item, list, accepted);
            }
        }
    }

    fn not_accepted(&mut self, name: &str, value: &str, list: Option<&str>, accepted: &str) {
        let shown = self.secrets.shown(value, list);
        self.add(name, &format!("`{shown}` is not accepted"), accepted);
    }

    /// The problems as errors without secrets.
    pub(super) fn into_errors(self) -> Vec<InputError> {
        let Self { errors, secrets } = self;
        let without_secrets = |error: InputError| InputError(secrets.taken_out_of(&error.0));
        errors.into_iter().map(without_secrets).collect()
    }
}
