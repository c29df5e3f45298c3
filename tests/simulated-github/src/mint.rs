//! Tokens of installations: the route that makes them, and the record of the tokens made.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, SubsecRound, Utc};
use serde::Deserialize;
use serde_json::json;

use crate::Access;
use crate::access::Grant;
use crate::github::GitHub;
use crate::permission::rank;
use crate::permit::suspended;
use crate::reply::Answer;
use crate::repository::Repository;
use crate::request::Request;

/// A token that was made for an installation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Minted {
    /// The installation's id.
    pub installation: u64,
    /// The token's permissions: those requested, or all of the installation's, and reading metadata.
    pub permissions: BTreeMap<String, String>,
    /// The requested repositories, as `owner/name`; empty for all of the installation's.
    pub repositories: Vec<String>,
    /// The token.
    pub token: String,
    /// When it was made, by the simulation's clock.
    pub at: DateTime<Utc>,
}

impl Minted {
    /// The record of the token after `before` others.
    pub(crate) fn new(
        before: usize,
        grant: &Grant,
        repositories: &[&Repository],
        at: DateTime<Utc>,
    ) -> Self {
        let serial = before as u64 + 1;
        let mixed = serial.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        Self {
            installation: grant.installation,
            permissions: grant.permissions.clone(),
            repositories: repositories
                .iter()
                .map(|repository| repository.full_name())
                .collect(),
            token: format!("ghs_{mixed:016x}{serial:020x}"),
            at,
        }
    }
}

impl GitHub {
    /// The tokens made for installations, in order.
    pub fn minted(&self) -> &[Minted] {
        &self.minted
    }

    pub(crate) fn mint(
        &mut self,
        request: &Request,
        id: u64,
        now: DateTime<Utc>,
        topic: &str,
    ) -> Result<Answer, Answer> {
        let installed = self
            .installations
            .get(&id)
            .ok_or_else(|| Answer::not_found(topic))?;
        if installed.suspended_at.is_some() {
            return Err(suspended(topic));
        }
        let wanted = Wanted::of(request, topic)?;
        let permissions = wanted.permissions(&installed.permissions, topic)?;
        let chosen = wanted.repositories(topic, || {
            self.repositories
                .of_owner(&installed.login)
                .filter(|repository| installed.includes(repository))
        })?;
        let grant = Grant {
            installation: id,
            permissions,
            repositories: chosen
                .as_ref()
                .map(|chosen| chosen.iter().map(|repository| repository.id).collect()),
        };
        let expires_at = now.trunc_subsecs(0) + self.installation_token_lifetime;
        let minted = Minted::new(
            self.minted.len(),
            &grant,
            chosen.as_deref().unwrap_or_default(),
            now,
        );
        let mut answer = json!({
            "token": minted.token,
            "expires_at": expires_at,
            "permissions": grant.permissions,
            "repository_selection": installed.selection(Some(&grant)),
        });
        if let Some(chosen) = chosen {
            let rows = chosen
                .iter()
                .map(|repository| self.repository_json(request, repository, false));
            answer["repositories"] = rows.collect();
        }
        let access = Access::installation(grant).expires(expires_at);
        self.tokens.insert(minted.token.clone(), Arc::new(access));
        self.minted.push(minted);
        Ok(Answer::json(201, &answer))
    }
}

/// The body of a request for a token. A missing field restricts nothing.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Wanted {
    permissions: Option<BTreeMap<String, String>>,
    repositories: Option<BTreeSet<String>>,
    repository_ids: Option<BTreeSet<u64>>,
}

impl Wanted {
    pub(crate) fn of(request: &Request, topic: &str) -> Result<Self, Answer> {
        if request.body.is_empty() {
            return Ok(Self::default());
        }
        serde_json::from_slice(&request.body)
            .map_err(|_| Answer::error(400, "Problems parsing JSON", topic))
    }

    /// The token's permissions, if the installation has them.
    pub(crate) fn permissions(
        &self,
        granted: &BTreeMap<String, String>,
        topic: &str,
    ) -> Result<BTreeMap<String, String>, Answer> {
        let Some(wanted) = &self.permissions else {
            return Ok(granted.clone());
        };
        let is_granted = |(name, level): (&String, &String)| {
            let most = granted.get(name).and_then(|level| rank(level));
            rank(level).is_some_and(|level| most.is_some_and(|most| level <= most))
        };
        if !wanted.iter().all(is_granted) {
            let message = "The permissions requested are not granted to this installation.";
            return Err(Answer::error(422, message, topic));
        }
        let mut permissions = wanted.clone();
        permissions
            .entry("metadata".to_owned())
            .or_insert("read".to_owned());
        Ok(permissions)
    }

    /// The requested repositories, if the installation has them; `None` if the request named no repository.
    pub(crate) fn repositories<'a, I: Iterator<Item = &'a Repository>>(
        &self,
        topic: &str,
        included: impl Fn() -> I,
    ) -> Result<Option<Vec<&'a Repository>>, Answer> {
        if self.repositories.is_none() && self.repository_ids.is_none() {
            return Ok(None);
        }
        let mut chosen = Vec::new();
        for name in self.repositories.iter().flatten() {
            chosen.push(included().find(|repository| repository.name.eq_ignore_ascii_case(name)));
        }
        for id in self.repository_ids.iter().flatten() {
            chosen.push(included().find(|repository| repository.id == *id));
        }
        let message = "There is at least one repository that does not exist or is not accessible to the parent installation.";
        let chosen: Option<Vec<&Repository>> = chosen.into_iter().collect();
        chosen
            .map(Some)
            .ok_or_else(|| Answer::error(422, message, topic))
    }
}
