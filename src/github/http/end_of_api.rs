//! The end of the API version in use, as GitHub announces it: `Sunset` (RFC 8594) and `Deprecation` (RFC 9745)
//! (<https://docs.github.com/en/rest/about-the-rest-api/api-versions>).

use std::sync::Mutex;

use chrono::{DateTime, Utc};
use http::HeaderMap;

use crate::github::clock::http_date;
use crate::github::debug_log::DebugLog;
use crate::lock::lock;
use crate::text::one_line;

/// Longest value of a header that is shown, in characters.
const VALUE: usize = 100;

/// Announcements in the responses of a pass so far.
#[derive(Default)]
pub(crate) struct EndOfApi(Mutex<Announcements>);

#[derive(Default)]
struct Announcements {
    sunset: Option<DateTime<Utc>>,
    deprecated: bool,
}

impl EndOfApi {
    /// Reads a response's headers. The debug log gets each fact once, not with every response.
    pub(crate) fn read(&self, headers: &HeaderMap, debug_log: &DebugLog) {
        let text = |name: &str| headers.get(name)?.to_str().ok();
        let (sunset, deprecation) = (
            headers.get("sunset").and_then(http_date),
            text("deprecation"),
        );
        if sunset.is_none() && deprecation.is_none() {
            return;
        }
        let mut known = lock(&self.0);
        if let Some(sunset) = sunset
            && known.sunset.is_none_or(|earliest| sunset < earliest)
        {
            known.sunset = Some(sunset);
            debug_log.line(|| format!("GitHub supports the API version in use until {sunset}"));
        }
        if let Some(deprecation) = deprecation
            && !known.deprecated
        {
            known.deprecated = true;
            debug_log.line(|| {
                let value = one_line(deprecation, VALUE);
                format!(
                    "GitHub says that the API version in use is deprecated: `deprecation: {value}`"
                )
            });
        }
    }

    /// When GitHub's support ends: the earliest time that a response named.
    pub(crate) fn sunset(&self) -> Option<DateTime<Utc>> {
        lock(&self.0).sunset
    }
}
