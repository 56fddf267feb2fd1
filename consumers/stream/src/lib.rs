//! Exactly-once consume-transform-produce over Kafka transactions. It knows Kafka and knows no crime.
//!
//! An [`Engine`] reads input topics, hands each record to a [`Processor`], and commits what the processor
//! wrote, its changelog entries, the dead letters and the input offsets in one transaction (KIP-98, KIP-447).
//! Whatever fails, the session is thrown away and a new one starts from what is committed: one way back,
//! the same as after SIGKILL.
//!
//! What a processor remembers is fed from a changelog by a [`follower`]: every instance follows it, so each stands by for
//! all the others.
//!
//! Where there is a backlog, a [`lookahead`] lets urgent records overtake those of other keys.
//!
//! Read [`engine`], then [`processor`], then the seam in [`client`]; [`kafka`] stands behind it.

mod batch;
mod breaker;
pub mod client;
pub mod config;
mod dead_letter;
pub mod engine;
pub mod follower;
pub mod kafka;
mod lookahead;
#[cfg(test)]
mod memory;
pub mod metrics;
pub mod processor;
mod workers;

pub use config::{Job, StreamConfig, is_instance_name};
pub use engine::Engine;
pub use processor::{Outputs, Poison, Processor, Refusal, Standby};
pub use workers::run;
