//! A broker and a schema registry inside this process, so that the demonstration needs nothing installed.
//!
//! They are not what a deployment runs: everything is in memory and gone at the end, nothing is replicated, and the
//! broker isolates no transaction. No other command uses them.

mod broker;
mod registry;

pub use broker::EmbeddedBroker;
pub use registry::EmbeddedRegistry;
