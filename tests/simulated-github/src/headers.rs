//! The headers that every answer has.

use chrono::{DateTime, Utc};
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::caller::Caller;
use crate::github::{Flavour, GitHub};
use crate::rate::Standing;
use crate::reply::Answer;
use crate::route::Route;

impl GitHub {
    pub(crate) fn headers(
        &self,
        answer: &Answer,
        caller: &Caller,
        route: Option<&Route>,
        standing: Option<Standing>,
        now: DateTime<Utc>,
    ) -> HeaderMap {
        let mut headers = HeaderMap::new();
        let mut set = |name: &'static str, value: &str| {
            if let Ok(value) = HeaderValue::from_str(value) {
                headers.insert(HeaderName::from_static(name), value);
            }
        };
        set("date", &now.format("%a, %d %b %Y %H:%M:%S GMT").to_string());
        set("x-github-request-id", &self.request_id());
        set("x-github-media-type", "github.v3; format=json");
        if answer.status != 204 {
            set("content-type", "application/json; charset=utf-8");
        }
        if self.flavour == Flavour::EnterpriseServer {
            set("x-github-enterprise-version", "3.17.0");
        }
        for (name, value) in &answer.headers {
            set(name, value);
        }
        if let Some(link) = &answer.link {
            set("link", link);
        }
        if let Some(standing) = standing {
            set("x-ratelimit-limit", &standing.limit.to_string());
            set("x-ratelimit-remaining", &standing.remaining().to_string());
            set("x-ratelimit-used", &standing.used.to_string());
            set("x-ratelimit-reset", &standing.reset.to_string());
            set("x-ratelimit-resource", "core");
        }
        if let Caller::Token(access) = caller {
            if let Some(scopes) = access.scopes() {
                let need = route.and_then(Route::need);
                let accepted = need.map(|need| need.permission.scopes(need.level).join(", "));
                set("x-oauth-scopes", &scopes.join(", "));
                set("x-accepted-oauth-scopes", &accepted.unwrap_or_default());
            }
            if let Some(time) = access.announced_expiry() {
                let time = time.format("%Y-%m-%d %H:%M:%S UTC").to_string();
                set("github-authentication-token-expiration", &time);
            }
        }
        headers
    }

    /// The id of the request being answered, in the form GitHub's have; the same requests get the same ids.
    pub(crate) fn request_id(&self) -> String {
        let serial = self.exchanges.len() as u64 + 1;
        let mixed = serial.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        format!(
            "{:04X}:{:06X}:{:07X}:{:08X}",
            mixed >> 48,
            serial & 0xff_ffff,
            mixed >> 36 & 0xfff_ffff,
            mixed & 0xffff_ffff
        )
    }
}
