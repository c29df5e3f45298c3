//! The addresses of GitHub's API and web pages, and the time for which it redelivers.

use chrono::TimeDelta;
use http::Uri;

/// The version of GitHub's API that is used. Every supported Enterprise Server knows it
/// (<https://docs.github.com/en/rest/about-the-rest-api/api-versions>).
pub(crate) const API_VERSION: &str = "2022-11-28";

/// The base address of a GitHub's API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiBase {
    uri: Uri,
}

impl Default for ApiBase {
    fn default() -> Self {
        Self {
            uri: Uri::from_static("https://api.github.com"),
        }
    }
}

impl ApiBase {
    /// The base that `address` names; `None` if it is not the address of an API.
    pub fn new(address: &str) -> Option<Self> {
        let uri: Uri = address.trim_end_matches('/').parse().ok()?;
        let web = matches!(uri.scheme_str(), Some("http" | "https"));
        let bare = uri.query().is_none() && !uri.authority()?.as_str().contains('@');
        let sound = web && bare && has_sound_port(&uri) && !uri.host()?.is_empty();
        sound.then_some(Self { uri })
    }

    /// The address itself.
    pub(crate) fn uri(&self) -> &Uri {
        &self.uri
    }

    /// The beginning of every request's path: `/api/v3` on Enterprise Server, else nothing.
    pub(crate) fn prefix(&self) -> &str {
        self.uri.path().trim_end_matches('/')
    }

    fn host(&self) -> &str {
        self.uri.host().unwrap_or_default()
    }

    /// The time for which GitHub redelivers a delivery: 3 days on github.com and ghe.com, 7 on Enterprise
    /// Server (<https://docs.github.com/en/webhooks/testing-and-troubleshooting-webhooks/redelivering-webhooks>).
    pub fn retention(&self) -> TimeDelta {
        TimeDelta::days(if self.is_cloud() { 3 } else { 7 })
    }

    /// github.com or ghe.com, and not a server of one's own.
    pub(crate) fn is_cloud(&self) -> bool {
        let host = self.host().to_ascii_lowercase();
        host == "api.github.com" || host.ends_with(".ghe.com")
    }

    /// The address of GitHub's web pages, without a trailing slash.
    pub fn web(&self) -> String {
        let scheme = self.uri.scheme_str().unwrap_or("https");
        let authority = self
            .uri
            .authority()
            .map_or("", |authority| authority.as_str());
        let authority = authority.to_ascii_lowercase();
        let authority = match authority.strip_prefix("api.") {
            Some(rest) if self.is_cloud() => rest,
            _ => &authority,
        };
        format!("{scheme}://{authority}")
    }

    /// True if the address is not encrypted.
    pub fn is_http(&self) -> bool {
        self.uri.scheme_str() == Some("http")
    }

    /// True if others could read a token in transit.
    pub fn is_unprotected(&self) -> bool {
        let host = self.host().trim_matches(['[', ']']);
        let loopback = host == "localhost"
            || host
                .parse::<std::net::IpAddr>()
                .is_ok_and(|address| address.is_loopback());
        self.is_http() && !loopback
    }
}

/// Returns whether an address has no port, or a valid one. Parsers ignore an invalid port, and would
/// connect to the default port of its scheme.
pub fn has_sound_port(uri: &Uri) -> bool {
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    let place = authority.rsplit('@').next().unwrap_or_default();
    match place.strip_prefix(uri.host().unwrap_or_default()) {
        Some("") => true,
        Some(port) => {
            let digits = port.strip_prefix(':').unwrap_or_default();
            digits.bytes().all(|byte| byte.is_ascii_digit()) && digits.parse::<u16>().is_ok()
        }
        None => false,
    }
}

/// Scheme and host of an address: all of it that may be shown, the rest may hold secrets. `None` if
/// it has no such parts.
pub fn origin(address: &str) -> Option<String> {
    let uri: Uri = address.parse().ok()?;
    let (scheme, host) = (uri.scheme_str()?, uri.host()?);
    Some(match uri.port() {
        Some(port) => format!("{scheme}://{host}:{port}"),
        None => format!("{scheme}://{host}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base(address: &str) -> ApiBase {
        ApiBase::new(address).unwrap()
    }

    #[test]
    fn web_pages_and_retention_follow_the_address() {
        let cases = [
            ("https://api.github.com", "https://github.com", 3),
            ("https://API.github.com", "https://github.com", 3),
            ("https://api.acme.ghe.com/", "https://acme.ghe.com", 3),
            ("https://git.acme.com/api/v3", "https://git.acme.com", 7),
            (
                "https://api.acme.com:8443/api/v3/",
                "https://api.acme.com:8443",
                7,
            ),
            ("http://127.0.0.1:4711", "http://127.0.0.1:4711", 7),
            ("http://[::1]:4711", "http://[::1]:4711", 7),
        ];
        for (address, web, days) in cases {
            assert_eq!(base(address).web(), web);
            assert_eq!(
                base(address).retention(),
                TimeDelta::days(days),
                "{address}"
            );
        }
    }

    #[test]
    fn what_is_no_base_address_is_refused() {
        for address in [
            "api.github.com",
            "ftp://github.com",
            "https://",
            "https://user:secret@git.acme.com",
            "https://git.acme.com/api/v3?x=1",
            "https://git.acme.com:84430/api/v3",
            "https://git.acme.com:https/api/v3",
            "https://git.acme.com:/api/v3",
            "/api/v3",
            "",
        ] {
            assert_eq!(ApiBase::new(address), None, "{address}");
        }
    }

    #[test]
    fn only_http_beyond_this_machine_is_unprotected() {
        assert!(base("http://git.acme.com/api/v3").is_unprotected());
        for address in [
            "https://git.acme.com",
            "http://127.0.0.1:1",
            "http://[::1]:1",
            "http://localhost",
        ] {
            assert!(!base(address).is_unprotected(), "{address}");
        }
    }

    #[test]
    fn of_an_address_only_scheme_and_host_are_shown() {
        let shown = |address| origin(address).unwrap_or_default();
        assert_eq!(
            shown("https://user:secret@ci.acme.com:8443/hook/secret?token=secret#secret"),
            "https://ci.acme.com:8443"
        );
        assert_eq!(shown("http://ci.acme.com"), "http://ci.acme.com");
        assert_eq!(shown("http://[::1]:80/x"), "http://[::1]:80");
        assert_eq!(shown("not a url"), "");
        assert_eq!(shown("/only/a/path"), "");
        assert_eq!(shown("user:secret@host"), "");
    }
}
