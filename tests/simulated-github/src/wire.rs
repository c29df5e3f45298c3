//! The path between GitHub and its clients: compression, and a link of limited bandwidth.

use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::{HeaderMap, HeaderValue, header};
use tokio::time::Instant;

use crate::reply::{Ending, Reply};

impl Reply {
    /// Compresses the body if the client accepts that, as GitHub does.
    pub fn compress(&mut self, asked: &HeaderMap) {
        let whole = matches!(self.ending, Ending::Whole | Ending::CutBody);
        let coded = self.headers.contains_key(header::CONTENT_ENCODING);
        if !whole || coded || self.body.is_empty() || !accepts_gzip(asked) {
            return;
        }
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        // Writing to memory does not fail.
        if encoder.write_all(&self.body).is_ok()
            && let Ok(body) = encoder.finish()
        {
            self.body = Bytes::from(body);
            let gzip = HeaderValue::from_static("gzip");
            self.headers.insert(header::CONTENT_ENCODING, gzip);
        }
    }
}

fn accepts_gzip(asked: &HeaderMap) -> bool {
    asked
        .get_all(header::ACCEPT_ENCODING)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|coding| coding.trim().eq_ignore_ascii_case("gzip"))
}

/// A link that all bodies share, whatever their connections.
#[derive(Clone)]
pub(crate) struct Link {
    bytes_a_second: u32,
    free_from: Arc<Mutex<Instant>>,
}

impl Link {
    pub(crate) fn new(bytes_a_second: u32) -> Self {
        Self {
            bytes_a_second: bytes_a_second.max(1),
            free_from: Arc::new(Mutex::new(Instant::now())),
        }
    }

    /// Reserves the link for so many bytes, after earlier reservations. Returns the time when the bytes have passed.
    pub(crate) fn take(&self, bytes: usize) -> Instant {
        let mut free_from = self
            .free_from
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let takes = Duration::from_secs_f64(bytes as f64 / f64::from(self.bytes_a_second));
        *free_from = (*free_from).max(Instant::now()) + takes;
        *free_from
    }
}
