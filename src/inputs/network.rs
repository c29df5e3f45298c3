//! What lies between this machine and GitHub: the rules of `ca-certificates`, and of the proxies and the
//! certificates that the environment names for every tool.

use http::Uri;

use super::Defaults;
use super::given::{Check, Given};
use super::values::Problem;
use crate::github::{CaCertificates, Network, Proxies};

impl Given {
    pub(super) fn network(&self, check: &mut Check, runners: &Defaults) -> Option<Network> {
        let workspace = runners.workspace.as_deref();
        let ca_certificates = self.ca_certificates.as_deref();
        let mut sound = true;
        let mut proxy = |name: &str| {
            let value = runners.proxies.get(name).cloned().unwrap_or_default();
            match checked(&value) {
                Ok(()) => value,
                Err(problem) => {
                    sound = false;
                    check.of::<()>(&name.to_uppercase(), Err(problem));
                    String::new()
                }
            }
        };
        let proxies = Proxies {
            https: proxy("https_proxy"),
            http: proxy("http_proxy"),
            all: proxy("all_proxy"),
            no: runners.proxies.get("no_proxy").cloned().unwrap_or_default(),
        };
        sound.then(|| Network {
            proxies,
            ca_certificates: ca_certificates.map(|given| CaCertificates::new(given, workspace)),
            ssl_cert_file: runners.ssl_cert_file.clone(),
        })
    }
}

/// A proxy that could not be used would be passed by in silence otherwise.
fn checked(address: &str) -> Result<(), Problem> {
    if address.is_empty() {
        return Ok(());
    }
    let whole = if address.contains("://") {
        address.to_owned()
    } else {
        format!("http://{address}")
    };
    let uri = whole.parse::<Uri>().ok();
    let uri = uri.filter(|uri| uri.host().is_some_and(|host| !host.is_empty()));
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
