//! The permissions that GitHub's answers name, as its settings pages call them.

/// The permissions in `X-Accepted-GitHub-Permissions`: alternatives separated by semicolons, each a set separated by
/// commas, such as `organization_hooks=write`. `None` for anything else
/// (<https://docs.github.com/en/rest/using-the-rest-api/troubleshooting-the-rest-api#resource-not-accessible>).
pub(crate) fn accepted(header: &str) -> Option<String> {
    let alternatives: Option<Vec<String>> = header.split(';').map(all_of).collect();
    Some(alternatives?.join(", or "))
}

fn all_of(set: &str) -> Option<String> {
    let named: Option<Vec<String>> = set.split(',').map(one).collect();
    Some(named?.join(" and "))
}

fn one(permission: &str) -> Option<String> {
    let (name, level) = permission.trim().split_once('=')?;
    let sound = |text: &str| {
        !text.is_empty()
            && text
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte == b'_')
    };
    if !sound(name) || !sound(level) {
        return None;
    }
    let (holder, rest) = match name.strip_prefix("organization_") {
        Some(rest) => ("organization", rest),
        None => ("repository", name),
    };
    let words = match rest {
        "hooks" | "repository_hooks" => "Webhooks".to_owned(),
        "actions_variables" => "Variables".to_owned(),
        other => {
            let (first, more) = other.split_at_checked(1)?;
            first.to_uppercase() + &more.replace('_', " ")
        }
    };
    // Reading is refused first, and redelivering would be next.
    let more = match (&*words, level) {
        ("Webhooks", "read") => " (write to redeliver)",
        _ => "",
    };
    Some(format!("the {holder} permission {words}: {level}{more}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permissions_have_the_names_of_githubs_pages() {
        let said = |header| accepted(header).unwrap_or_default();
        assert_eq!(
            said("organization_hooks=write"),
            "the organization permission Webhooks: write"
        );
        assert_eq!(
            said("repository_hooks=read"),
            "the repository permission Webhooks: read (write to redeliver)"
        );
        assert_eq!(
            said("actions_variables=write; organization_administration=read,metadata=read"),
            "the repository permission Variables: write, or the organization permission Administration: read and the \
             repository permission Metadata: read"
        );
        assert_eq!(
            said("pull_requests=write"),
            "the repository permission Pull requests: write"
        );
        for odd in [
            "",
            "allows_permissionless_access=true;",
            "x",
            "=",
            "A=b",
            "a=`",
        ] {
            assert_eq!(accepted(odd), None, "{odd}");
        }
    }
}
