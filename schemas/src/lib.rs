//! The contract between the states: records, codec, topic and header names, jurisdictions and offences.
//!
//! Everything here is pure: no I/O, no clock, no threads, no Kafka client. A program in another language
//! needs none of it: the schemas are in the registry and the tables are CSV files beside this crate.
//!
//! Read [`event`] for what a producer publishes, [`shared`] for what a recipient reads, [`topics`] for where.

pub mod adjacency;
mod canonical;
pub mod characters;
pub mod codec;
mod datum;
pub mod digest;
pub mod district;
pub mod enrichment;
pub mod event;
pub mod headers;
pub mod identity;
pub mod jurisdictions;
pub mod offence;
pub mod outline;
pub mod registration;
pub mod schema;
pub mod shared;
mod skim;
pub mod state;
mod symbols;
mod table;
pub mod topics;
pub mod validate;
pub mod wire;

pub use event::CrimeEvent;
pub use identity::RecordId;
pub use outline::Outline;
pub use shared::SharedCrimeEvent;
pub use state::{StateCode, StateSet};
