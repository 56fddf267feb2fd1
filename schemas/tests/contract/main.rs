//! Tests of the contract as a whole: what the schemas promise, what the bytes are, what a change may do.
//! Tests of a single function stand beside it in `src`.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on fails right there"
)]

mod any;
mod bytes;
mod content_hash;
mod evolution;
mod golden;
mod schema_rules;
mod tables;
