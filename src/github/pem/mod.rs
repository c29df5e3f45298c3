//! PEM text, whose new lines may have become spaces or `\n` on its way through secrets and environment files.

use std::path::Path;

use crate::file;

/// The largest file that is read, in bytes. A key is smaller, and so are the certificates of all public authorities.
const LARGEST: u64 = file::MIB;

/// The beginning of a block.
pub(crate) const BEGIN: &str = "-----BEGIN ";

/// One block, with its line breaks restored.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Block {
    /// Its label, such as `CERTIFICATE`.
    pub(crate) label: String,
    /// The whole of it, with its body on one line.
    pub(crate) text: String,
}

/// The text of a file with a key or certificates.
pub(crate) fn read(path: &Path) -> Result<String, file::FileError> {
    file::read(path, LARGEST)
}

/// The blocks of a text, in order.
///
/// # Errors
/// A block breaks off. The message shows nothing of the text.
pub(crate) fn blocks(text: &str) -> Result<Vec<Block>, &'static str> {
    // A text that was escaped twice keeps a backslash, and a continued line ends with one.
    let text = text.replace("\\r", "\n").replace("\\n", "\n");
    let text = text.replace('\\', "");
    let mut blocks = Vec::new();
    let mut rest = &*text;
    while let Some((_, after)) = rest.split_once(BEGIN) {
        let (label, after) = after
            .split_once("-----")
            .ok_or("its first line breaks off")?;
        let end = format!("-----END {label}-----");
        let (body, after) = after.split_once(&end).ok_or("its end is missing")?;
        let body: String = body.split_whitespace().collect();
        blocks.push(Block {
            label: label.to_owned(),
            text: format!("{BEGIN}{label}-----\n{body}\n{end}\n"),
        });
        rest = after;
    }
    Ok(blocks)
}

#[cfg(test)]
pub(crate) mod properties;
