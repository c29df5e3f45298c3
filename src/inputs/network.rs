//! The network between this machine and GitHub: the rules of `ca-certificates`, and of the variables for proxies and
//! certificates that many tools read.

use http::Uri;

use super::problems::{Problem, Problems};
use super::raw::RawInputs;
use super::runner_variables::RunnerVariables;
use crate::github;
use crate::github::{ApiBase, CaCertificates, Network, Proxies};

impl RawInputs {
    pub(super) fn network(
        &self,
        problems: &mut Problems,
        runner: &RunnerVariables,
        api: Option<&ApiBase>,
    ) -> Network {
        let proxy = |name: &str| runner.proxies.get(name).cloned().unwrap_or_default();
        let proxies = Proxies {
            https: proxy("https_proxy"),
            http: proxy("http_proxy"),
            all: proxy("all_proxy"),
            no: proxy("no_proxy"),
        };
        // Proxies that the pass does not use may be of any kind that other tools understand.
        if let Some((name, address)) = api.and_then(|api| proxies.used_for(api)) {
            if api.is_some_and(ApiBase::is_http) {
                problems.check("api-url", Err::<(), _>(http_behind_proxy(name)));
            }
            problems.check(name, check_proxy(address));
        }
        let workspace = runner.workspace.as_deref();
        let ca_certificates = self.ca_certificates.as_deref();
        Network {
            ca_certificates: ca_certificates.map(|text| CaCertificates::new(text, workspace)),
            ssl_cert_file: runner.ssl_cert_file.clone(),
            proxies,
        }
    }
}

/// A proxy would read every request to an `http` address, token included.
fn http_behind_proxy(name: &str) -> Problem {
    Problem::new(
        &format!("is an `http` address, and `{name}` names a proxy for it"),
        "write the `https` address of the API, or list its host in `NO_PROXY`",
    )
}

/// Refuses a proxy that can't be used. Without this check, requests would silently go past it.
fn check_proxy(address: &str) -> Result<(), Problem> {
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
            &format!("names a `{scheme}` proxy"),
            "use an http or https proxy (`http://proxy.acme.com:8080`), or add the host of `api-url` to `NO_PROXY`",
        )),
        None => Err(Problem::new(
            "is not the address of a proxy",
            "write it as `http://USER:PASSWORD@proxy.acme.com:8080`, with special characters of the password \
             percent-encoded",
        )),
    }
}
