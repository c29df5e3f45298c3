//! Enterprise Servers that are too old for a part of the API.

use crate::github::base::ApiBase;

/// A part of the API that an Enterprise Server lacks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OldServer {
    /// The server named its version, so the path is certainly missing.
    pub(crate) certain: bool,
    /// The missing part, and the next step.
    pub(crate) advice: String,
}

impl OldServer {
    /// Decides by the version that the server names in `x-github-enterprise-version`. Deliveries exist from 3.2 on
    /// (<https://docs.github.com/en/enterprise-server@3.2/admin/release-notes#3.2.0-api-changes>), variables from 3.8 on
    /// (<https://docs.github.com/en/enterprise-server@3.8/rest/actions/variables>).
    pub(crate) fn of(base: &ApiBase, version: Option<&str>, path: &str) -> Option<Self> {
        let (part, since, instead) = if path.contains("/actions/variables") {
            let instead = ", or keep the checkpoint in `checkpoint-file`";
            ("variables", (3, 8), instead)
        } else if path.contains("/deliveries") {
            ("webhook deliveries", (3, 2), "")
        } else {
            return None;
        };
        if base.is_cloud() {
            return None;
        }
        let numbers = version.and_then(|version| {
            let mut numbers = version.split('.').map(|number| number.parse::<u32>().ok());
            Some((numbers.next()??, numbers.next()??))
        });
        let first = format!("{}.{}", since.0, since.1);
        let advice = match numbers {
            Some(version) if version >= since => return None,
            Some((major, minor)) => format!(
                "This server is Enterprise Server {major}.{minor}, whose API has no {part}: update it to {first} or later{instead}"
            ),
            None => format!(
                "If this is Enterprise Server before {first}, its API has no {part}: update it{instead}"
            ),
        };
        Some(Self {
            certain: numbers.is_some(),
            advice,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn too_old_for(path: &str, version: Option<&str>) -> String {
        let server = ApiBase::new("https://git.acme.com/api/v3").unwrap();
        let old = OldServer::of(&server, version, path);
        old.map(|old| old.advice).unwrap_or_default()
    }

    #[test]
    fn the_advice_names_what_an_old_server_lacks() {
        let variables = "/repos/acme/ops/actions/variables";
        let deliveries = "/orgs/acme/hooks/1/deliveries?per_page=100";
        assert!(
            too_old_for(variables, Some("3.7.12")).contains("update it to 3.8 or later, or keep")
        );
        assert!(too_old_for(deliveries, Some("2.22.1")).contains("Enterprise Server 2.22, whose"));
        for unknown in [None, Some("GitHub AE")] {
            assert!(
                too_old_for(deliveries, unknown)
                    .starts_with("If this is Enterprise Server before 3.2")
            );
        }
        for (path, version) in [
            (variables, "3.8.0"),
            (variables, "4.0.0"),
            (deliveries, "3.10.1"),
            ("/orgs/acme/hooks", "2.0.0"),
        ] {
            assert_eq!(too_old_for(path, Some(version)), "", "{path} {version}");
        }
        assert_eq!(OldServer::of(&ApiBase::default(), None, variables), None);
    }
}
