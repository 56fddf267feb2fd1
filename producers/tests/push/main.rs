//! Items that are pushed over HTTP, through the spool to librdkafka's own mock broker: what is promised arrives once, and
//! what is wrong is refused with its reason.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test that cannot go on fails right there"
)]

#[path = "../surroundings/certificates.rs"]
mod certificates;
mod delivery;
mod document;
mod refusals;
mod rig;
mod slow;
mod tls;
