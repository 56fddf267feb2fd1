//! The mapping language: what a state's TOML file can say about its columns.
//!
//! Plain data that is read with its mistakes named by line and column, and bound to a source's columns before the
//! first row. Turning a row into an event by these rules is in [`crate::mapping`]; nothing here opens a file.

pub mod check;
pub mod column;
pub mod condition;
pub mod field;
pub mod join;
pub mod kind;
pub mod leaf;
pub(crate) mod located;
pub mod path;
pub mod pattern;
pub mod rows;
pub mod sections;
pub mod targets;
pub mod time;
