//! Text for people: one harmless line, counts and times. Everything else stands on this.

mod count;
mod line;
pub mod time;

pub use count::{a_few, counted, number};
pub use line::{one_line, one_line_message};
pub use time::rfc3339;
