//! Paths of files that outlive the pass.

use std::path::{Component, Path, PathBuf};

use super::problems::Problem;
use super::runner_variables::RunnerVariables;
use crate::file::SharedPath;

/// The workspace as the runner mounts it in a container.
const CONTAINER_WORKSPACE: &str = "/github/workspace";

/// Folders that outlive the container.
const MOUNTS: [&str; 3] = [CONTAINER_WORKSPACE, "/github/home", "/github/runner_temp"];

/// The path that `text` means, relative to the workspace.
pub(super) fn shared_path(text: &str, runner: &RunnerVariables) -> Result<SharedPath, Problem> {
    let workspace = runner.workspace.as_deref();
    let path = without_dots(&workspace.unwrap_or(Path::new("")).join(text));
    let in_container = workspace == Some(Path::new(CONTAINER_WORKSPACE));
    if in_container && !MOUNTS.iter().any(|mount| path.starts_with(mount)) {
        return Err(Problem::new(
            "is not visible in the action's container, and would be lost with it",
            "write a path relative to the workspace (`.redeliver/checkpoint.json`), where later steps can read it",
        ));
    }
    let mut shared: Vec<PathBuf> = [&runner.workspace, &runner.temp]
        .into_iter()
        .flatten()
        .cloned()
        .collect();
    if in_container {
        shared.extend(MOUNTS.map(PathBuf::from));
    }
    Ok(SharedPath {
        given: text.to_owned(),
        path,
        shared,
    })
}

/// The path without `.` and `..`, as far as that is possible without looking at the disk.
fn without_dots(path: &Path) -> PathBuf {
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
