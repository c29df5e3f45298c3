//! Files for other steps and other passes: written whole, and owned by whoever shares the workspace.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::Path;

/// Writes a file whole or not at all. A new one is for its owner alone; in a workspace that is the
/// workspace's owner, because later steps run as that one, and this program as root.
///
/// # Errors
/// The operating system refused, or `write` failed. Then what was there is there still.
pub fn write_whole(
    path: &Path,
    workspace: Option<&Path>,
    write: impl FnOnce(&mut BufWriter<&mut File>) -> io::Result<()>,
) -> io::Result<()> {
    // What a link leads to is what is meant, be it there yet or not.
    let path = match (fs::canonicalize(path), fs::read_link(path)) {
        (Ok(path), _) => path,
        (Err(_), Ok(to)) => path.parent().unwrap_or(Path::new("")).join(to),
        (Err(_), Err(_)) => path.to_owned(),
    };
    let path_is_in = |folder: &Path| {
        let real = fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned());
        path.starts_with(folder) || path.starts_with(real)
    };
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    let workspace = workspace.filter(|workspace| path_is_in(workspace));
    let shared_by = workspace.and_then(|workspace| fs::metadata(workspace).ok());
    let give = |path: &Path, to: Option<&fs::Metadata>| {
        if let Some(to) = to {
            // Only root may; whoever else runs this is the owner already, or can't help it.
            let _ = chown(path, Some(to.uid()), Some(to.gid()));
        }
    };
    if workspace.is_some() {
        let new: Vec<&Path> = folder
            .ancestors()
            .take_while(|each| !each.exists())
            .collect();
        fs::create_dir_all(folder)?;
        new.into_iter()
            .for_each(|each| give(each, shared_by.as_ref()));
    }
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    let before = fs::metadata(&path).ok();
    if let Some(before) = &before {
        let mode = fs::Permissions::from_mode(before.mode());
        file.as_file().set_permissions(mode)?;
    }
    give(file.path(), before.as_ref().or(shared_by.as_ref()));
    let mut buffer = BufWriter::new(file.as_file_mut());
    write(&mut buffer)?;
    buffer.flush()?;
    drop(buffer);
    file.as_file().sync_all()?;
    file.persist(&path)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> tempfile::TempDir {
        tempfile::tempdir().unwrap()
    }

    fn write(path: &Path, workspace: Option<&Path>, text: &str) -> io::Result<()> {
        write_whole(path, workspace, |file| file.write_all(text.as_bytes()))
    }

    #[test]
    fn what_fails_half_way_leaves_what_was_there() {
        let folder = folder();
        let path = folder.path().join("report.json");
        write(&path, None, "old").unwrap();
        let broken = write_whole(&path, None, |file| {
            file.write_all(b"half")?;
            Err(io::ErrorKind::StorageFull.into())
        });
        assert!(broken.is_err());
        assert_eq!(fs::read_to_string(&path).unwrap(), "old");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_file_that_is_there_keeps_its_mode_and_a_link_stays_one() {
        let folder = folder();
        let (path, link) = (folder.path().join("real"), folder.path().join("link"));
        fs::write(&path, "old").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        std::os::unix::fs::symlink(&path, &link).unwrap();
        write(&link, None, "new").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "new");
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o640);
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    }

    #[test]
    fn folders_are_made_within_a_workspace_and_nowhere_else() {
        let folder = folder();
        let path = folder.path().join("a/b/checkpoint.json");
        assert!(write(&path, None, "x").is_err());
        write(&path, Some(folder.path()), "x").unwrap();
        assert!(path.exists());
    }

    #[test]
    fn a_new_file_belongs_to_the_workspaces_owner() {
        let folder = folder();
        // Works for root only; for all others the owner is the same anyway.
        let _ = chown(folder.path(), Some(1_234), Some(1_234));
        let owner = fs::metadata(folder.path()).unwrap().uid();
        let path = folder.path().join("a/checkpoint.json");
        for text in ["1", "2"] {
            write(&path, Some(folder.path()), text).unwrap();
            for path in [&*path, path.parent().unwrap()] {
                assert_eq!(fs::metadata(path).unwrap().uid(), owner, "{path:?}");
            }
        }
    }
}
