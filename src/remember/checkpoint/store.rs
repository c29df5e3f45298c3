//! The place of the checkpoint and the state: two variables of a repository, or one file.

use std::fmt;
use std::io::Write;
use std::path::Path;

use futures_util::future::join;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::file;
use crate::file::SharedPath;
use crate::github;
use crate::github::Client;
use crate::model::Variable;
use crate::remember::checkpoint::CheckpointError;

/// The version that this program writes and reads.
const VERSION: u32 = 1;

/// Largest state in a variable, in bytes. GitHub's limit is 48 KB.
const LARGEST_STATE: usize = 40_000;

/// Largest file that is read, in bytes.
const LARGEST_FILE: u64 = 64 * file::MIB;

/// Largest state in a file, in bytes: with the checkpoint beside it, the file stays below [`LARGEST_FILE`].
const LARGEST_STATE_IN_A_FILE: usize = 64_000_000;

/// The texts that are stored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct StoredTexts {
    /// The checkpoint.
    pub(super) value: Option<String>,
    /// The state that belongs to it, as JSON.
    pub(super) state: Option<String>,
}

/// The place of both texts.
pub(super) enum Store {
    /// Two variables.
    Variables {
        /// The client that may read and write them.
        client: Client,
        /// The checkpoint's variable.
        value: Variable,
    },
    /// One file.
    File(SharedPath),
}

/// The contents of the file.
#[derive(Serialize, Deserialize)]
struct FileContents {
    version: u32,
    checkpoint: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    state: Option<Box<RawValue>>,
}

/// The reason why a file could not be used.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It could not be read or written.
    #[error(
        "checkpoint file `{path}` {error}. Its folder must exist and be writable; where the file is a mount of its \
         own, mount its folder instead"
    )]
    Io {
        /// Its path.
        path: String,
        /// The cause.
        error: file::Error,
    },
    /// It can't be a checkpoint file.
    #[error("checkpoint file `{path}` {error}. Name another file as `checkpoint-file`")]
    Unusable {
        /// Its path.
        path: String,
        /// The cause.
        error: file::Error,
    },
    /// It holds something else.
    #[error(
        "`{path}` is not a checkpoint file ({wrong}): name another file, or delete this one to start over with \
         the last 24 hours"
    )]
    Contents {
        /// Its path.
        path: String,
        /// The problem with it.
        wrong: String,
    },
}

impl FileError {
    fn of(path: &Path, error: file::Error) -> Self {
        let path = path.display().to_string();
        match error {
            file::Error::Irregular(_) | file::Error::TooLarge(_) => Self::Unusable { path, error },
            error => Self::Io { path, error },
        }
    }
}

impl fmt::Display for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Variables { value, .. } => {
                write!(
                    f,
                    "checkpoint variable `{}` in `{}`",
                    value.name, value.repository
                )
            }
            Self::File(file) => write!(f, "checkpoint file `{}`", file.path.display()),
        }
    }
}

impl Store {
    /// The variable's name or the file's path.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Variables { value, .. } => value.name.clone(),
            Self::File(file) => file.path.display().to_string(),
        }
    }

    /// True if the one can be written without the other.
    pub(super) fn keeps_them_apart(&self) -> bool {
        matches!(self, Self::Variables { .. })
    }

    /// Most bytes that a state may have here.
    pub(super) fn largest_state(&self) -> usize {
        match self {
            Self::Variables { .. } => LARGEST_STATE,
            Self::File(_) => LARGEST_STATE_IN_A_FILE,
        }
    }

    /// `variable` or `file`.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Variables { .. } => "variable",
            Self::File(_) => "file",
        }
    }

    /// Reads both texts.
    pub(super) async fn read(&self) -> Result<StoredTexts, CheckpointError> {
        match self {
            Self::Variables { client, value } => {
                let state = state_of(value);
                let read = (
                    github::variable(client, value),
                    github::variable(client, &state),
                );
                let (value, state) = join(read.0, read.1).await;
                // A state that exists and can't be read lists unconfirmed redeliveries: without it, deliveries would be
                // sent twice.
                Ok(StoredTexts {
                    value: value?,
                    state: state?,
                })
            }
            Self::File(file) => Ok(read_file(&file.path)?),
        }
    }

    /// Stores the new texts; `there` are the texts stored now. `last`: it is the last write of the pass.
    pub(super) async fn write(
        &self,
        there: &StoredTexts,
        (value, state): (Option<&str>, Option<&str>),
        last: bool,
    ) -> Result<(), CheckpointError> {
        match self {
            Self::Variables {
                client,
                value: variable,
            } => {
                let client = &if last {
                    client.for_the_last_word()
                } else {
                    client.clone()
                };
                if let Some(value) = value {
                    put(client, variable, there.value.is_some(), value).await?;
                }
                if let Some(state) = state {
                    put(client, &state_of(variable), there.state.is_some(), state).await?;
                }
            }
            Self::File(to) => {
                let value = value.or(there.value.as_deref()).unwrap_or_default();
                let state = state.or(there.state.as_deref());
                let contents = contents(value, state);
                let written = file::write_whole(to, |file| file.write_all(contents.as_bytes()));
                written.map_err(|error| FileError::of(&to.path, error))?;
            }
        }
        Ok(())
    }
}

/// The variable beside the checkpoint's.
fn state_of(value: &Variable) -> Variable {
    Variable {
        repository: value.repository.clone(),
        name: format!("{}_STATE", value.name),
    }
}

async fn put(
    client: &Client,
    variable: &Variable,
    exists: bool,
    text: &str,
) -> Result<(), github::Error> {
    if exists {
        github::update_variable(client, variable, text).await
    } else {
        github::create_variable(client, variable, text).await
    }
}

fn contents(value: &str, state: Option<&str>) -> String {
    let contents = FileContents {
        version: VERSION,
        checkpoint: value.to_owned(),
        state: state.and_then(|state| RawValue::from_string(state.to_owned()).ok()),
    };
    // Strings and numbers can always be written.
    serde_json::to_string(&contents).unwrap_or_default() + "\n"
}

fn read_file(path: &Path) -> Result<StoredTexts, FileError> {
    let text = match file::read(path, LARGEST_FILE) {
        Ok(text) => text,
        Err(error) if error.is_not_found() => return Ok(StoredTexts::default()),
        Err(error) => return Err(FileError::of(path, error)),
    };
    let wrong = |wrong: String| FileError::Contents {
        path: path.display().to_string(),
        wrong,
    };
    let contents: FileContents =
        serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))?;
    if contents.version != VERSION {
        let theirs = contents.version;
        return Err(wrong(format!(
            "it has version {theirs}, and this program reads version {VERSION}"
        )));
    }
    Ok(StoredTexts {
        value: Some(contents.checkpoint),
        state: contents.state.map(|state| state.get().to_owned()),
    })
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::MetadataExt;

    fn folder() -> tempfile::TempDir {
        tempfile::tempdir().unwrap()
    }

    pub(super) fn shared(path: &Path) -> SharedPath {
        SharedPath {
            given: String::new(),
            path: path.to_owned(),
            shared: Vec::new(),
        }
    }

    #[test]
    fn a_file_is_read_as_it_was_written_and_is_private() {
        let folder = folder();
        let path = folder.path().join("checkpoint.json");
        assert_eq!(read_file(&path).unwrap(), StoredTexts::default());
        let text = contents("1795262400000", Some(r#"{"version":1}"#));
        file::write_whole(&shared(&path), |file| file.write_all(text.as_bytes())).unwrap();
        let stored = StoredTexts {
            value: Some("1795262400000".into()),
            state: Some(r#"{"version":1}"#.into()),
        };
        assert_eq!(read_file(&path).unwrap(), stored);
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        let left: Vec<_> = fs::read_dir(folder.path()).unwrap().collect();
        assert_eq!(left.len(), 1, "{left:?}");
    }

    #[test]
    fn a_file_of_something_else_is_an_error_and_stays_as_it_is() {
        let folder = folder();
        let path = folder.path().join("x");
        for (text, wrong) in [
            ("", "EOF"),
            ("1795262400000", "invalid type"),
            (r#"{"version":2,"checkpoint":"1"}"#, "version 2"),
        ] {
            fs::write(&path, text).unwrap();
            let error = read_file(&path).unwrap_err().to_string();
            assert!(
                error.contains(wrong) && error.contains("delete this one"),
                "{error}"
            );
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
    }
}
