//! Text for people: single harmless lines, counts and times. Every other module may use this.

mod count;
mod line;
pub mod time;

pub use count::{a_few, counted, number};
pub use line::{one_line, one_line_message};
pub use time::rfc3339;
