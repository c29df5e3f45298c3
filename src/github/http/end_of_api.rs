//! The end of the API version in use, as GitHub announces it: `Sunset` (RFC 8594) and `Deprecation` (RFC 9745)
//! (<https://docs.github.com/en/rest/about-the-rest-api/api-versions>).

use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use http::HeaderMap;

use crate::github::clock::http_date;
use crate::tell::console::Console;
use crate::text::one_line;

/// Longest value of a header that is shown, in characters.
const VALUE: usize = 100;

/// Announcements in the answers of a pass so far.
#[derive(Default)]
pub(crate) struct EndOfApi(Mutex<State>);

#[derive(Default)]
struct State {
    sunset: Option<DateTime<Utc>>,
    deprecated: bool,
}

impl EndOfApi {
    /// Reads an answer's headers. The debug log gets each fact once, not with every answer.
    pub(crate) fn read(&self, headers: &HeaderMap, console: &Console) {
        let text = |name: &str| headers.get(name)?.to_str().ok();
        let (sunset, deprecation) = (
            headers.get("sunset").and_then(http_date),
            text("deprecation"),
        );
        if sunset.is_none() && deprecation.is_none() {
            return;
        }
        let mut state = self.state();
        if let Some(sunset) = sunset
            && state.sunset.is_none_or(|earliest| sunset < earliest)
        {
            state.sunset = Some(sunset);
            console.debug(|| format!("GitHub supports the API version in use until {sunset}"));
        }
        if let Some(deprecation) = deprecation
            && !state.deprecated
        {
            state.deprecated = true;
            console.debug(|| {
                let value = one_line(deprecation, VALUE);
                format!(
                    "GitHub says that the API version in use is deprecated: `deprecation: {value}`"
                )
            });
        }
    }

    /// When GitHub's support ends: the earliest time that an answer named.
    pub(crate) fn sunset(&self) -> Option<DateTime<Utc>> {
        self.state().sunset
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
