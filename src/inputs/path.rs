//! Files that outlive the pass.

use std::path::{Component, Path, PathBuf};

use crate::model::SharedPath;

use super::Defaults;
use super::values::Problem;

/// The workspace as the runner shows it to a container.
const CONTAINED_WORKSPACE: &str = "/github/workspace";

/// What outlives the container.
const MOUNTS: [&str; 3] = [CONTAINED_WORKSPACE, "/github/home", "/github/runner_temp"];

/// The path that `given` means, relative to the workspace.
pub(super) fn shared_path(given: &str, runner: &Defaults) -> Result<SharedPath, Problem> {
    let workspace = runner.workspace.as_deref();
    let path = without_detours(&workspace.unwrap_or(Path::new("")).join(given));
    let contained = workspace == Some(Path::new(CONTAINED_WORKSPACE));
    if contained && !MOUNTS.iter().any(|mount| path.starts_with(mount)) {
        return Err(Problem::new(
            "is not visible in the action's container, and would be lost with it",
            "write a path relative to the workspace (`.redeliver/checkpoint.json`), where later steps find \
                 it",
        ));
    }
    let mut shared: Vec<PathBuf> = [&runner.workspace, &runner.temp]
        .into_iter()
        .flatten()
        .cloned()
        .collect();
    if contained {
        shared.extend(MOUNTS.map(PathBuf::from));
    }
    Ok(SharedPath {
        given: given.to_owned(),
        path,
        shared,
    })
}
/// The path without `.` and `..`, as far as it can be told without looking.
fn without_detours(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir
                if matches!(plain.components().next_back(), Some(Component::Normal(_))) =>
            {
                plain.pop();
            }
            part => plain.push(part),
        }
    }
    plain
}
