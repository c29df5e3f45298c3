//! The spelling of addresses in `Link` headers and redirects.

use crate::github::GitHub;
use crate::request::Request;

/// The spelling of addresses in `Link` headers and redirects: as the client spelled its own request, unless set otherwise.
#[derive(Debug, Clone, Default)]
pub struct Links {
    /// The beginning of addresses in place of the API's base address, as behind a load balancer that puts an inner name
    /// there: a scheme and a host, with or without a base path. Empty for a link without a host.
    pub root: Option<String>,
    /// `Link` headers name owners by their numbers in place of their names, as GitHub does: `/repositories/ID`,
    /// `/organizations/ID`.
    pub by_number: bool,
}

impl GitHub {
    /// A `Link` header as [`links`](Self::links) has it.
    pub(crate) fn spelled(&self, request: &Request, link: &str) -> String {
        let known = self.root(request);
        let root = self.links.root.as_ref().unwrap_or(&known);
        let begin = format!("<{known}/");
        let mut parts = link.split(&begin);
        let mut spelled = parts.next().unwrap_or_default().to_owned();
        for path in parts {
            let numbered = self.numbered(path).filter(|_| self.links.by_number);
            let path = numbered.unwrap_or_else(|| path.to_owned());
            spelled.push_str(&format!("<{root}/{path}"));
        }
        spelled
    }

    fn numbered(&self, path: &str) -> Option<String> {
        let (kind, owned) = path.split_once('/')?;
        let (owner, rest) = owned.split_once('/')?;
        match kind {
            "orgs" => Some(format!("organizations/{}/{rest}", self.account(owner)?.id)),
            "repos" => {
                let (name, rest) = rest.split_once('/')?;
                let id = self.repository_id(&format!("{owner}/{name}"))?;
                Some(format!("repositories/{id}/{rest}"))
            }
            _ => None,
        }
    }
}
