//! Reads a webhook's delivery log: pages become rows, and rows become failed deliveries.

mod page;
mod row;

pub use page::{UnreadableRow, rows};
pub use row::Row;
