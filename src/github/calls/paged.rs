//! Lists that GitHub divides into pages.

use crate::github::calls::client::Client;
use crate::github::calls::link::Trail;
use crate::github::failure::request_error::RequestError;
use crate::github::http::exchange::Response;

/// Rows on a page, the most that GitHub allows.
const PER_PAGE: u32 = 100;

/// The pages of a list, in order.
pub(crate) struct Pages {
    client: Client,
    trail: Trail,
    next: Option<String>,
}

impl Pages {
    /// The list at this path, which may have a query.
    pub(crate) fn new(client: &Client, path: &str) -> Self {
        let joint = if path.contains('?') { '&' } else { '?' };
        let first = format!("{path}{joint}per_page={PER_PAGE}");
        Self {
            client: client.clone(),
            trail: Trail::new(&first),
            next: Some(first),
        }
    }

    /// The next page; `None` after the last. After an error no further page comes.
    pub(crate) async fn next(&mut self) -> Result<Option<Response>, RequestError> {
        let Some(path) = self.next.take() else {
            return Ok(None);
        };
        let answer = self.client.read(&path, |_| {}).await?;
        self.next = self
            .trail
            .next(&answer, self.client.base(), self.client.secrets())?;
        Ok(Some(answer))
    }
}
