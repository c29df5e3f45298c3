//! Reading and writing files for other steps and other passes. Only regular files are read, appended to or replaced: a
//! FIFO would block the pass, a device has no end, and a path to one is a mistake.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Read, Write};
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};

/// Bytes in a MiB.
pub const MIB: u64 = 1024 * 1024;

/// The path of a file that outlives the pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SharedPath {
    /// The path as the user wrote it.
    pub given: String,
    /// The path, absolute if the workspace is known.
    pub path: PathBuf,
    /// The folders that the workflow's steps share.
    pub shared: Vec<PathBuf>,
}

/// The reason why a file could not be used. The message continues a sentence that begins with the file's path.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It is not a regular file.
    #[error("is {0}, not a regular file")]
    Irregular(&'static str),
    /// It has more bytes than this.
    #[error("is larger than {} MiB", .0 / MIB)]
    TooLarge(u64),
    /// The operating system refused to read it, or it is not text.
    #[error("could not be read ({0})")]
    Unreadable(io::Error),
    /// The operating system refused to write it.
    #[error("could not be written ({0})")]
    Unwritable(io::Error),
}

impl FileError {
    /// True if there is no such file.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Unreadable(error) if error.kind() == io::ErrorKind::NotFound)
    }
}

/// Reads a text file of at most `largest` bytes.
///
/// # Errors
/// It is not a regular file, it is larger, or it could not be read.
pub fn read(path: &Path, largest: u64) -> Result<String, FileError> {
    let file = open(path, OpenOptions::new().read(true), FileError::Unreadable)?;
    let mut bytes = Vec::new();
    let read = file.take(largest + 1).read_to_end(&mut bytes);
    if read.map_err(FileError::Unreadable)? as u64 > largest {
        return Err(FileError::TooLarge(largest));
    }
    let not_text = |_| FileError::Unreadable(io::Error::other("it is not UTF-8 text"));
    String::from_utf8(bytes).map_err(not_text)
}

/// Appends to a file, and creates it, with its folder, if it does not exist.
///
/// # Errors
/// It is not a regular file, or it could not be written.
pub fn append(path: &Path, text: &str) -> Result<(), FileError> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(FileError::Unwritable)?;
    }
    let append = OpenOptions::new().append(true).create(true).clone();
    let mut file = open(path, &append, FileError::Unwritable)?;
    file.write_all(text.as_bytes())
        .map_err(FileError::Unwritable)
}

/// Writes a file whole or not at all. In a folder that the workflow's steps share, a new file, and each folder made
/// for it, gets that folder's owner, because later steps run as that user and this program as root.
///
/// # Errors
/// It is not a regular file, the operating system refused, or `write` failed. Then the file is as it was.
pub fn write_whole(
    to: &SharedPath,
    write: impl FnOnce(&mut BufWriter<&mut File>) -> io::Result<()>,
) -> Result<(), FileError> {
    let path = target(&to.path).map_err(FileError::Unwritable)?;
    let before = fs::metadata(&path).ok();
    if let Some(before) = &before {
        check_regular(before)?;
    }
    replace(&path, before.as_ref(), &to.shared, write).map_err(FileError::Unwritable)
}

/// The path with every link resolved, whether a file exists there or not.
///
/// # Errors
/// The operating system refused, or the links form a circle.
pub fn target(path: &Path) -> io::Result<PathBuf> {
    match fs::canonicalize(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        found => return found,
    }
    let folder = folder_of(path);
    match (fs::read_link(path), path.file_name()) {
        (Ok(to), _) => target(&folder.join(to)),
        (Err(_), Some(name)) => Ok(target(folder)?.join(name)),
        (Err(_), None) => Ok(path.to_owned()),
    }
}

fn replace(
    path: &Path,
    before: Option<&fs::Metadata>,
    shared: &[PathBuf],
    write: impl FnOnce(&mut BufWriter<&mut File>) -> io::Result<()>,
) -> io::Result<()> {
    let contains = |folder: &&PathBuf| target(folder).is_ok_and(|folder| path.starts_with(folder));
    let shared = shared.iter().find(contains);
    let owner = shared.and_then(|shared| fs::metadata(shared).ok());
    let set_owner = |path: &Path, to: Option<&fs::Metadata>| {
        if let Some(to) = to {
            // Only root may do this. Any other user already owns the file, or can't change its owner.
            let _ = chown(path, Some(to.uid()), Some(to.gid()));
        }
    };
    let folder = folder_of(path);
    if shared.is_some() {
        let missing = folder.ancestors().take_while(|each| !each.exists());
        let missing: Vec<&Path> = missing.collect();
        fs::create_dir_all(folder)?;
        missing
            .into_iter()
            .for_each(|each| set_owner(each, owner.as_ref()));
    }
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    if let Some(before) = before {
        let mode = fs::Permissions::from_mode(before.mode());
        file.as_file().set_permissions(mode)?;
    }
    set_owner(file.path(), before.or(owner.as_ref()));
    let mut buffer = BufWriter::new(file.as_file_mut());
    write(&mut buffer)?;
    buffer.flush()?;
    drop(buffer);
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}

/// Opens a regular file. Checks its kind before, because opening a device may start it, and again after, because the
/// file may have been replaced in between. A FIFO that appears in between does not block.
fn open(
    path: &Path,
    options: &OpenOptions,
    refused: impl Fn(io::Error) -> FileError,
) -> Result<File, FileError> {
    if let Ok(there) = fs::metadata(path) {
        check_regular(&there)?;
    }
    let mut options = options.clone();
    let file = options.custom_flags(libc::O_NONBLOCK).open(path);
    let file = file.map_err(&refused)?;
    check_regular(&file.metadata().map_err(refused)?)?;
    Ok(file)
}

fn check_regular(file: &fs::Metadata) -> Result<(), FileError> {
    let kind = file.file_type();
    Err(FileError::Irregular(if kind.is_file() {
        return Ok(());
    } else if kind.is_dir() {
        "a directory"
    } else if kind.is_fifo() {
        "a FIFO (named pipe)"
    } else if kind.is_socket() {
        "a socket"
    } else {
        "a device"
    }))
}

fn folder_of(path: &Path) -> &Path {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    folder.unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn folder() -> tempfile::TempDir {
        tempfile::tempdir().unwrap()
    }

    fn path(path: &Path, shared: Option<&Path>) -> SharedPath {
        SharedPath {
            given: path.display().to_string(),
            path: path.to_owned(),
            shared: shared.map(Path::to_owned).into_iter().collect(),
        }
    }

    fn write(to: &Path, shared: Option<&Path>, text: &str) -> Result<(), FileError> {
        write_whole(&path(to, shared), |file| file.write_all(text.as_bytes()))
    }

    #[test]
    fn a_write_that_fails_half_way_leaves_the_old_file() {
        let folder = folder();
        let report = folder.path().join("report.json");
        write(&report, None, "old").unwrap();
        let broken = write_whole(&path(&report, None), |file| {
            file.write_all(b"half")?;
            Err(io::ErrorKind::StorageFull.into())
        });
        assert!(broken.is_err());
        assert_eq!(fs::read_to_string(&report).unwrap(), "old");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_replaced_file_keeps_its_mode_and_a_link_stays_a_link() {
        let folder = folder();
        let (path, link) = (folder.path().join("real"), folder.path().join("link"));
        fs::write(&path, "old").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        symlink(&path, &link).unwrap();
        write(&link, None, "new").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "new");
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o640);
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    }

    #[test]
    fn links_are_resolved_even_if_no_file_exists_there() {
        let folder = folder();
        let real = fs::canonicalize(folder.path()).unwrap();
        let link = |name: &str, to: &str| symlink(to, real.join(name)).unwrap();
        link("dangling", "chain");
        link("chain", "missing/x");
        link("here", ".");
        link("circle", "circle");
        for (path, expected) in [
            ("missing/x", "missing/x"),
            ("dangling", "missing/x"),
            ("here/here/x", "x"),
            ("here/dangling", "missing/x"),
        ] {
            let expected = real.join(expected);
            assert_eq!(target(&real.join(path)).unwrap(), expected, "{path}");
        }
        assert!(target(&real.join("circle")).is_err());
        assert!(write(&real.join("circle"), None, "x").is_err());
        write(&real.join("here/new"), None, "x").unwrap();
        assert!(real.join("new").exists());
    }

    #[test]
    fn a_file_over_the_size_limit_is_not_read() {
        let folder = folder();
        let path = folder.path().join("x");
        for (length, fits) in [(0, true), (7, true), (8, true), (9, false)] {
            fs::write(&path, "x".repeat(length)).unwrap();
            assert_eq!(read(&path, 8).is_ok(), fits, "{length}");
        }
        fs::write(&path, [0xff]).unwrap();
        let error = read(&path, 8).unwrap_err().to_string();
        assert_eq!(error, "could not be read (it is not UTF-8 text)");
        let missing = read(&folder.path().join("y"), 8).unwrap_err();
        assert!(missing.is_not_found(), "{missing}");
    }

    #[test]
    fn missing_folders_are_only_created_in_a_shared_folder() {
        let folder = folder();
        let path = folder.path().join("a/b/checkpoint.json");
        assert!(write(&path, None, "x").is_err());
        write(&path, Some(folder.path()), "x").unwrap();
        assert!(path.exists());
    }

    #[test]
    fn a_new_file_belongs_to_the_owner_of_the_shared_folder() {
        let folder = folder();
        // Only root can do this. For other users the owner is the same anyway.
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
