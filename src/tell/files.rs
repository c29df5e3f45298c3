//! The files that hold the step outputs, the job summary and the report.

use std::hash::{BuildHasher, RandomState};
use std::path::{Path, PathBuf};

use crate::file::{self, SharedPath};
use crate::report::Report;

/// The reason why a file could not be written.
#[derive(Debug, thiserror::Error)]
pub enum OutputError {
    /// The file could not be written.
    #[error("`{name}`: `{}` {source}. {}", path.display(), advice(source))]
    Write {
        /// The input or variable that names the file.
        name: &'static str,
        /// The file's path.
        path: PathBuf,
        /// The reason.
        source: file::FileError,
    },
    /// A value holds the random delimiter. That only happens if an attacker knows it.
    #[error("output `{0}` holds its own delimiter and was not written: run again")]
    Delimiter(&'static str),
}

fn advice(error: &file::FileError) -> &'static str {
    match error {
        file::FileError::Irregular(_) => "Name a regular file, or a path where nothing exists yet",
        _ => "Check the permissions of the file and its folder, and the space on the disk",
    }
}

/// Appends step outputs as heredocs with an unpredictable delimiter: a malformed file fails the step, and with a
/// predictable delimiter a value could add outputs of its own.
pub fn append_outputs(path: &Path, outputs: &[(&'static str, String)]) -> Result<(), OutputError> {
    let delimiter = format!("end-{:016x}{:016x}", random(), random());
    append("GITHUB_OUTPUT", path, &heredocs(outputs, &delimiter)?)
}

/// Appends to the job summary.
pub fn append_summary(path: &Path, markdown: &str) -> Result<(), OutputError> {
    append("GITHUB_STEP_SUMMARY", path, markdown)
}

/// Writes the report to the path that the user chose.
pub fn write_report(to: &SharedPath, report: &Report) -> Result<(), OutputError> {
    let written = file::write_whole(to, |file| report.write_json(file));
    written.map_err(|source| OutputError::Write {
        name: "report-file",
        path: to.path.clone(),
        source,
    })
}

fn heredocs(outputs: &[(&'static str, String)], delimiter: &str) -> Result<String, OutputError> {
    let mut text = String::new();
    for (name, value) in outputs {
        if value.contains(delimiter) {
            return Err(OutputError::Delimiter(name));
        }
        text.push_str(&format!("{name}<<{delimiter}\n{value}\n{delimiter}\n"));
    }
    Ok(text)
}

fn append(name: &'static str, path: &Path, text: &str) -> Result<(), OutputError> {
    file::append(path, text).map_err(|source| OutputError::Write {
        name,
        path: path.to_owned(),
        source,
    })
}

/// 64 unpredictable bits: the standard library seeds its hasher from the operating system's randomness.
fn random() -> u64 {
    RandomState::new().hash_one(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outputs_are_heredocs() {
        let text = heredocs(&[("a", "1".into()), ("b", "x\n=y<<z".into())], "end").unwrap();
        assert_eq!(text, "a<<end\n1\nend\nb<<end\nx\n=y<<z\nend\n");
    }

    #[test]
    fn a_value_that_holds_the_delimiter_is_refused() {
        let error = heredocs(&[("a", "x\nend\nb<<end".into())], "end").unwrap_err();
        assert!(error.to_string().contains("output `a`"), "{error}");
    }

    #[test]
    fn delimiters_differ() {
        assert_ne!(random(), random());
    }

    #[test]
    fn a_file_that_cannot_be_written_is_named() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let below = file.path().join("summary");
        let error = append_summary(&below, "x").unwrap_err().to_string();
        let named = format!("`GITHUB_STEP_SUMMARY`: `{}` could not", below.display());
        assert!(error.starts_with(&named), "{error}");
    }
}

#[cfg(test)]
mod properties;
