//! Routes that list repositories.
//!
//! Lists are in the order of the repositories' names.

use serde_json::{Value, json};

use crate::Access;
use crate::access::Kind;
use crate::account;
use crate::github::GitHub;
use crate::paging::{self, MOST_PER_PAGE};
use crate::reply::Answer;
use crate::repository::Repository;
use crate::request::Request;

/// GitHub's size of a page of repositories unless the request names another.
const PER_PAGE: usize = 30;

/// Addresses of a repository's resources: the field without `_url`, and the path below the repository.
const ADDRESSES: [(&str, &str); 36] = [
    ("archive", "/{archive_format}{/ref}"),
    ("assignees", "/assignees{/user}"),
    ("blobs", "/git/blobs{/sha}"),
    ("branches", "/branches{/branch}"),
    ("collaborators", "/collaborators{/collaborator}"),
    ("comments", "/comments{/number}"),
    ("commits", "/commits{/sha}"),
    ("compare", "/compare/{base}...{head}"),
    ("contents", "/contents/{+path}"),
    ("contributors", "/contributors"),
    ("deployments", "/deployments"),
    ("downloads", "/downloads"),
    ("events", "/events"),
    ("forks", "/forks"),
    ("git_commits", "/git/commits{/sha}"),
    ("git_refs", "/git/refs{/sha}"),
    ("git_tags", "/git/tags{/sha}"),
    ("hooks", "/hooks"),
    ("issue_comment", "/issues/comments{/number}"),
    ("issue_events", "/issues/events{/number}"),
    ("issues", "/issues{/number}"),
    ("keys", "/keys{/key_id}"),
    ("labels", "/labels{/name}"),
    ("languages", "/languages"),
    ("merges", "/merges"),
    ("milestones", "/milestones{/number}"),
    ("notifications", "/notifications{?since,all,participating}"),
    ("pulls", "/pulls{/number}"),
    ("releases", "/releases{/id}"),
    ("stargazers", "/stargazers"),
    ("statuses", "/statuses/{sha}"),
    ("subscribers", "/subscribers"),
    ("subscription", "/subscription"),
    ("tags", "/tags"),
    ("teams", "/teams"),
    ("trees", "/git/trees{/sha}"),
];

impl GitHub {
    /// `GET /installation/repositories`.
    pub(crate) fn list_installation_repositories(
        &self,
        request: &Request,
        access: &Access,
    ) -> Answer {
        let repositories: Vec<&Repository> = match &access.kind {
            Kind::Workflow { repository } => {
                self.repositories.get(repository).into_iter().collect()
            }
            Kind::Installation(grant) => self
                .repositories
                .iter()
                .filter(|repository| grant.includes(repository))
                .filter(|repository| {
                    self.installations
                        .get(&grant.installation)
                        .is_some_and(|installed| installed.includes(repository))
                })
                .collect(),
            Kind::FineGrained | Kind::Classic { .. } | Kind::OauthApp { .. } => Vec::new(),
        };
        let (rows, link) = self.page(request, &repositories, access, "installation/repositories");
        Answer {
            link,
            ..Answer::json(
                200,
                &json!({ "total_count": repositories.len(), "repositories": rows }),
            )
        }
    }

    /// `GET /orgs/{org}/repos`.
    pub(crate) fn list_organization_repositories(
        &self,
        request: &Request,
        access: &Access,
        login: &str,
        topic: &str,
    ) -> Result<Answer, Answer> {
        if !self.is_organization(login) {
            return Err(Answer::not_found(topic));
        }
        let repositories = self.of_type(request, login);
        Ok(self.listed(
            request,
            &repositories,
            access,
            &format!("orgs/{login}/repos"),
        ))
    }

    /// `GET /users/{username}/repos`, for organizations too.
    pub(crate) fn list_user_repositories(
        &self,
        request: &Request,
        access: &Access,
        login: &str,
        topic: &str,
    ) -> Result<Answer, Answer> {
        if self.account(login).is_none() {
            return Err(Answer::not_found(topic));
        }
        let repositories = self.of_type(request, login);
        Ok(self.listed(
            request,
            &repositories,
            access,
            &format!("users/{login}/repos"),
        ))
    }

    /// `GET /user/repos`.
    pub(crate) fn list_own_repositories(
        &self,
        request: &Request,
        access: &Access,
        topic: &str,
    ) -> Result<Answer, Answer> {
        let wanted = Affiliations::of(request, topic)?;
        let repositories: Vec<&Repository> = self
            .repositories
            .iter()
            .filter(|repository| self.is_wanted(&wanted, access, repository))
            .filter(|repository| access.sso_url(&repository.owner).is_none())
            .collect();
        let answer = self.listed(request, &repositories, access, "user/repos");
        let hidden: Vec<String> = access
            .sso_logins()
            .filter_map(|login| self.account(login))
            .map(|account| account.id.to_string())
            .collect();
        if hidden.is_empty() {
            return Ok(answer);
        }
        Ok(answer.with_header(
            "x-github-sso",
            format!("partial-results; organizations={}", hidden.join(",")),
        ))
    }

    fn is_wanted(&self, wanted: &Affiliations, access: &Access, repository: &Repository) -> bool {
        if repository.owner.eq_ignore_ascii_case(access.login()) {
            return wanted.owner;
        }
        let through = match self.account(&repository.owner).map(|owner| owner.kind) {
            Some(account::Kind::Organization) => wanted.organization_member,
            Some(account::Kind::User) | None => wanted.collaborator,
        };
        through && access.is_admin_of(&repository.full_name())
    }

    /// An account's repositories of the requested type. All are public, and there are no forks.
    fn of_type(&self, request: &Request, login: &str) -> Vec<&Repository> {
        match request.query("type").as_deref() {
            Some("private" | "forks" | "internal") => Vec::new(),
            _ => self.repositories.of_owner(login).collect(),
        }
    }

    fn listed(
        &self,
        request: &Request,
        repositories: &[&Repository],
        access: &Access,
        path: &str,
    ) -> Answer {
        let (rows, link) = self.page(request, repositories, access, path);
        Answer {
            link,
            ..Answer::json(200, &rows)
        }
    }

    fn page(
        &self,
        request: &Request,
        repositories: &[&Repository],
        access: &Access,
        path: &str,
    ) -> (Vec<Value>, Option<String>) {
        let size = paging::per_page(request, PER_PAGE, MOST_PER_PAGE);
        let url = format!("{}/{path}", self.root(request));
        let (page, link) = paging::numbered(repositories, request, size, &url);
        let rows = page.iter().map(|repository| {
            let admin = access.is_admin_of(&repository.full_name());
            self.repository_json(request, repository, admin)
        });
        (rows.collect(), link)
    }

    /// As both `repository` and `minimal-repository` describe it.
    pub(crate) fn repository_json(
        &self,
        request: &Request,
        repository: &Repository,
        admin: bool,
    ) -> Value {
        let (root, host, origin) = (self.root(request), request.host(), request.origin());
        let full_name = repository.full_name();
        let (url, html_url) = (
            format!("{root}/repos/{full_name}"),
            format!("{origin}/{full_name}"),
        );
        let clone_url = format!("{html_url}.git");
        let mut row = json!({
            "id": repository.id,
            "node_id": format!("R_{}", repository.id),
            "name": repository.name,
            "full_name": full_name,
            "owner": self.account(&repository.owner).map(|owner| owner.json(&root, &origin)),
            "private": false,
            "visibility": "public",
            "html_url": html_url,
            "description": null,
            "fork": false,
            "url": url,
            "git_url": format!("git://{host}/{full_name}.git"),
            "ssh_url": format!("git@{host}:{full_name}.git"),
            "clone_url": clone_url,
            "svn_url": html_url,
            "mirror_url": null,
            "homepage": null,
            "language": null,
            "license": null,
            "topics": [],
            "default_branch": "main",
            "archived": repository.archived,
            "disabled": false,
            "is_template": false,
            "size": 108,
            "created_at": "2024-01-01T00:00:00Z",
            "updated_at": "2024-01-01T00:00:00Z",
            "pushed_at": "2024-01-01T00:00:00Z",
            "permissions": { "admin": admin, "maintain": admin, "push": admin, "triage": admin, "pull": true },
        });
        for (name, path) in ADDRESSES {
            row[format!("{name}_url")] = json!(format!("{url}{path}"));
        }
        for count in [
            "forks",
            "forks_count",
            "open_issues",
            "open_issues_count",
            "stargazers_count",
            "watchers",
            "watchers_count",
        ] {
            row[count] = json!(0);
        }
        for feature in ["has_issues", "has_projects", "has_wiki", "has_downloads"] {
            row[feature] = json!(true);
        }
        for feature in ["has_pages", "has_discussions"] {
            row[feature] = json!(false);
        }
        row
    }
}

/// The requested repositories of a person, by the person's relation to them.
struct Affiliations {
    owner: bool,
    collaborator: bool,
    organization_member: bool,
}

impl Affiliations {
    fn of(request: &Request, topic: &str) -> Result<Self, Answer> {
        let (kind, affiliation) = (request.query("type"), request.query("affiliation"));
        let visibility = request.query("visibility");
        if kind.is_some() && (affiliation.is_some() || visibility.is_some()) {
            let message = "If you specify visibility or affiliation, you cannot specify type.";
            return Err(Answer::error(422, message, topic));
        }
        let named = match (kind.as_deref(), visibility.as_deref()) {
            (Some("private"), _) | (_, Some("private")) => "",
            (Some("owner"), _) => "owner",
            (Some("member"), _) => "collaborator,organization_member",
            _ => affiliation
                .as_deref()
                .unwrap_or("owner,collaborator,organization_member"),
        };
        let is_named = |name| named.split(',').any(|one| one.trim() == name);
        Ok(Self {
            owner: is_named("owner"),
            collaborator: is_named("collaborator"),
            organization_member: is_named("organization_member"),
        })
    }
}
