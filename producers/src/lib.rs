//! One daemon per state: source → map → normalise → validate → publish.
//!
//! A state's TOML file says where its rows are and which column fills which field of a crime event. Read
//! [`language`] for what such a file can say and [`mapping`] for what becomes of a row; both are pure.

pub mod language;
pub mod mapping;
pub mod reason;
mod text;
