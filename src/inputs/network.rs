//! What lies between this machine and GitHub: the rules of `ca-certificates`, and of the proxies and the
//! certificates that the environment names for every tool.

use http::Uri;

use super::Defaults;
use super::given::{Check, Given};
use super::values::Problem;
use crate::github;
use crate::github::{ApiBase, CaCertificates, Network, Proxies};

impl Given {
    pub(super) fn network(
        &self,
        check: &mut Check,
        runners: &Defaults,
        api: Option<&ApiBase>,
    ) -> Option<Network> {
        let workspace = runners.workspace.as_deref();
        let ca_certificates = self.ca_certificates.as_deref();
        let named = |name: &str| runners.proxies.get(name).cloned().unwrap_or_default();
        let proxies = Proxies {
            https: named("https_proxy"),
            http: named("http_proxy"),
            all: named("all_proxy"),
            no: named("no_proxy"),
        };
        // Those for other addresses, and of hosts that need none, may be whatever other tools understand.
        let used = api.and_then(|api| proxies.used_for(api));
        if let Some((name, address)) = used {
            if api.is_some_and(ApiBase::is_http) {
                check.of("api-url", Err::<(), _>(http_behind_proxy(name)))?;
            }
            check.of(name, checked(address))?;
        }
        Some(Network {
            ca_certificates: ca_certificates.map(|given| CaCertificates::new(given, workspace)),
            ssl_cert_file: runners.ssl_cert_file.clone(),
            proxies,
        })
    }
}

/// A proxy would read every request to such an address, token included.
fn http_behind_proxy(name: &str) -> Problem {
    Problem::new(
        &format!("is an `http` address, and `{name}` names a proxy for it"),
        "write the `https` address of the API, or list its host in `NO_PROXY`",
    )
}

/// A proxy that could not be used would be passed by in silence otherwise.
fn checked(address: &str) -> Result<(), Problem> {
    let whole = if address.contains("://") {
        address.to_owned()
    } else {
        format!("http://{address}")
    };
    let uri = whole.parse::<Uri>().ok();
    let bare = |uri: &Uri| {
        matches!(uri.path(), "" | "/") && uri.query().is_none() && github::has_sound_port(uri)
    };
    let uri = uri.filter(|uri| uri.host().is_some_and(|host| !host.is_empty()) && bare(uri));
    match uri.as_ref().and_then(Uri::scheme_str) {
        Some("http" | "https") => Ok(()),
        Some(scheme) => Err(Problem::new(
            &format!("names a proxy of the kind `{scheme}`"),
            "write an http or https proxy (`http://proxy.acme.com:8080`), or list the host of `api-url` in \
             `NO_PROXY`",
        )),
        None => Err(Problem::new(
            "is no address of a proxy",
            "write it as `http://USER:PASSWORD@proxy.acme.com:8080`, with special characters of the password \
             percent-encoded",
        )),
    }
}
