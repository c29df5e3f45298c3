//! Weeks that failed once, kept as data, so that changes of the generator do not change them.
//!
//! `WEEK_SEED=123 WEEK_KEEP="what it found" cargo test --test it weeks` keeps one.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::script::Script;

/// A week and the defect that it found.
#[derive(Serialize, Deserialize)]
pub(super) struct Kept {
    /// The defect that it found, in the product or in the oracle.
    pub(super) found: String,
    /// Part of the complaints that it may still have, while it is undecided whether product or oracle is right.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) undecided: Option<String>,
    pub(super) script: Script,
}

fn folder() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/weeks/kept"))
}

/// Keeps a week.
pub(super) fn keep(script: &Script, found: &str) {
    let kept = Kept {
        found: found.to_owned(),
        undecided: None,
        script: script.clone(),
    };
    let path = folder().join(format!("{}.json", script.seed));
    std::fs::write(path, serde_json::to_string(&kept).unwrap() + "\n").unwrap();
}

/// All that are kept, by seed.
pub(super) fn all() -> Vec<Kept> {
    let files = std::fs::read_dir(folder()).unwrap();
    let read = |path: PathBuf| {
        let text = std::fs::read_to_string(&path).unwrap();
        let kept = serde_json::from_str::<Kept>(&text);
        kept.unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    };
    let mut all: Vec<Kept> = files.map(|file| read(file.unwrap().path())).collect();
    all.sort_by_key(|kept| kept.script.seed);
    all
}
