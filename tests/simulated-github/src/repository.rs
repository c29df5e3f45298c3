//! Repositories, and finding them by name, by id and by a name they had.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::Owner;
use crate::github::GitHub;
use crate::variables::Variable;

/// The first repository's id: seven digits, as GitHub's older ones have.
const FIRST_ID: u64 = 1_296_269;

/// A repository.
#[derive(Debug, Clone)]
pub(crate) struct Repository {
    pub(crate) id: u64,
    /// The owner's login.
    pub(crate) owner: String,
    pub(crate) name: String,
    pub(crate) archived: bool,
    pub(crate) variables: BTreeMap<String, Variable>,
}

impl Repository {
    pub(crate) fn full_name(&self) -> String {
        format!("{}/{}", self.owner, self.name)
    }
}

/// All repositories, in the order of their names.
#[derive(Debug, Default)]
pub(crate) struct Repositories {
    /// By `owner/name` in lower case.
    by_name: BTreeMap<String, Repository>,
    /// The keys of `by_name`.
    names: HashMap<u64, String>,
    /// The ids behind names that are no longer theirs.
    moved: HashMap<String, u64>,
}

impl Repositories {
    pub(crate) fn get(&self, full_name: &str) -> Option<&Repository> {
        self.by_name.get(&full_name.to_ascii_lowercase())
    }

    pub(crate) fn get_mut(&mut self, full_name: &str) -> Option<&mut Repository> {
        self.by_name.get_mut(&full_name.to_ascii_lowercase())
    }

    pub(crate) fn by_id(&self, id: u64) -> Option<&Repository> {
        self.by_name.get(self.names.get(&id)?)
    }

    /// The id of the repository that had this name, while no other has it.
    pub(crate) fn moved(&self, full_name: &str) -> Option<u64> {
        self.moved.get(&full_name.to_ascii_lowercase()).copied()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Repository> {
        self.by_name.values()
    }

    /// Those of one account, without a search through the rest.
    pub(crate) fn of_owner(&self, login: &str) -> impl Iterator<Item = &Repository> {
        let prefix = format!("{}/", login.to_ascii_lowercase());
        self.by_name
            .range(prefix.clone()..)
            .take_while(move |(name, _)| name.starts_with(&prefix))
            .map(|(_, repository)| repository)
    }

    /// The repository of this name, made if it is not there.
    pub(crate) fn ensure(&mut self, owner: &str, name: &str) -> &mut Repository {
        let key = format!("{owner}/{name}").to_ascii_lowercase();
        let next_id = FIRST_ID + self.by_name.len() as u64;
        self.by_name.entry(key).or_insert_with_key(|key| {
            self.moved.remove(key);
            self.names.insert(next_id, key.clone());
            Repository {
                id: next_id,
                owner: owner.to_owned(),
                name: name.to_owned(),
                archived: false,
                variables: BTreeMap::new(),
            }
        })
    }

    /// Gives a repository another name, and returns its new `owner/name`.
    fn rename(&mut self, full_name: &str, new_name: &str) -> Option<String> {
        let old_key = full_name.to_ascii_lowercase();
        let mut repository = self.by_name.remove(&old_key)?;
        new_name.clone_into(&mut repository.name);
        let new_full_name = repository.full_name();
        let new_key = new_full_name.to_ascii_lowercase();
        self.moved.insert(old_key, repository.id);
        self.moved.remove(&new_key);
        self.names.insert(repository.id, new_key.clone());
        self.by_name.insert(new_key, repository);
        Some(new_full_name)
    }
}

impl GitHub {
    /// Adds a repository, and its owner as an organization unless it is there already. Every repository is public.
    pub fn add_repository(&mut self, owner: &str, name: &str) {
        self.ensure_account(owner);
        self.repositories.ensure(owner, name);
    }

    /// Archives a repository named as `owner/name`.
    ///
    /// # Panics
    /// If there is no such repository.
    pub fn archive(&mut self, repository: &str) {
        let Some(repository) = self.repositories.get_mut(repository) else {
            panic!("there is no repository `{repository}`");
        };
        repository.archived = true;
    }

    /// Gives a repository named as `owner/name` another name, without its owner. Requests to the old one are redirected,
    /// and tokens keep their access to it.
    ///
    /// # Panics
    /// If there is no such repository, or one that has the new name already.
    pub fn rename_repository(&mut self, repository: &str, new_name: &str) {
        let Some((owner, old_name)) = repository.split_once('/') else {
            panic!("`{repository}` is not `owner/name`");
        };
        if self
            .repositories
            .get(&format!("{owner}/{new_name}"))
            .is_some()
        {
            panic!("there is a repository `{owner}/{new_name}`");
        }
        let Some(new_full_name) = self.repositories.rename(repository, new_name) else {
            panic!("there is no repository `{repository}`");
        };
        let named = |name: &str| Owner::Repository {
            owner: owner.to_owned(),
            name: name.to_owned(),
        };
        let ids = self.hooks_of.remove(&named(old_name).key());
        for id in ids.iter().flatten() {
            if let Some((owner, _)) = self.hooks.get_mut(id) {
                *owner = named(new_name);
            }
        }
        self.hooks_of
            .insert(named(new_name).key(), ids.unwrap_or_default());
        for access in self.tokens.values_mut() {
            Arc::make_mut(access).rename_repository(repository, &new_full_name);
        }
    }

    /// The id of a repository named as `owner/name`.
    pub fn repository_id(&self, repository: &str) -> Option<u64> {
        self.repositories
            .get(repository)
            .map(|repository| repository.id)
    }
}
