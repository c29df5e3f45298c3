//! Compressed bodies. A page of a delivery log shrinks to about a tenth.

use std::io::Read;

use flate2::bufread::MultiGzDecoder;
use http::header::CONTENT_ENCODING;
use http::{HeaderMap, HeaderValue};

/// The encoding that a request accepts.
pub(crate) const ACCEPTED: HeaderValue = HeaderValue::from_static("gzip");

/// Decompresses the body of a response, up to `most` bytes. The error describes the body's defect.
pub(crate) fn decoded(headers: &HeaderMap, body: Vec<u8>, most: usize) -> Result<Vec<u8>, String> {
    let coding = headers.get(CONTENT_ENCODING).map(HeaderValue::as_bytes);
    let is = |names: &[&str]| {
        coding.is_some_and(|coding| {
            let coding = coding.trim_ascii();
            names
                .iter()
                .any(|name| coding.eq_ignore_ascii_case(name.as_bytes()))
        })
    };
    if coding.is_none() || body.is_empty() || is(&["", "identity"]) {
        return Ok(body);
    }
    if !is(&["gzip", "x-gzip"]) {
        return Err("is compressed in a way that was not requested".into());
    }
    let mut whole = Vec::new();
    let mut decoder = MultiGzDecoder::new(&*body).take(most as u64 + 1);
    decoder
        .read_to_end(&mut whole)
        .map_err(|error| format!("can't be decompressed: {error}"))?;
    if whole.len() > most {
        return Err(longer_than(most));
    }
    Ok(whole)
}

pub(crate) fn longer_than(most: usize) -> String {
    format!("is longer than {most} bytes")
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    const MOST: usize = 1 << 20;

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn read(coding: &'static str, body: Vec<u8>) -> Result<Vec<u8>, String> {
        let headers = HeaderMap::from_iter([(CONTENT_ENCODING, HeaderValue::from_static(coding))]);
        decoded(&headers, body, MOST)
    }

    #[test]
    fn a_compressed_body_is_decompressed() {
        let text = br#"[{"id":1}]"#;
        for coding in ["gzip", "GZIP", " x-gzip "] {
            assert_eq!(read(coding, gzip(text)).unwrap(), &text[..], "{coding}");
        }
        let two = [gzip(b"[1,"), gzip(b"2]")].concat();
        assert_eq!(read("gzip", two).unwrap(), &b"[1,2]"[..]);
    }

    #[test]
    fn a_plain_body_is_left_alone() {
        let plain = b"[]".to_vec();
        assert_eq!(
            decoded(&HeaderMap::new(), plain.clone(), MOST),
            Ok(plain.clone())
        );
        assert_eq!(read("identity", plain.clone()), Ok(plain));
        assert_eq!(read("gzip", Vec::new()), Ok(Vec::new()));
    }

    #[test]
    fn a_body_that_cannot_be_decompressed_is_an_error() {
        let whole = gzip(b"[1,2,3]");
        let cut = whole[..whole.len() - 1].to_vec();
        let mut damaged = whole.clone();
        damaged[whole.len() - 8] ^= 1;
        for body in [cut, damaged, b"[]".to_vec()] {
            let error = read("gzip", body).unwrap_err();
            assert!(error.starts_with("can't be decompressed: "), "{error}");
        }
        let error = read("br", b"x".to_vec()).unwrap_err();
        assert_eq!(error, "is compressed in a way that was not requested");
    }

    #[test]
    fn a_small_body_that_becomes_too_large_is_an_error() {
        let most = gzip(&vec![b' '; MOST]);
        assert_eq!(read("gzip", most).unwrap().len(), MOST);
        let more = gzip(&vec![b' '; MOST + 1]);
        assert_eq!(
            read("gzip", more).unwrap_err(),
            "is longer than 1048576 bytes"
        );
    }
}
