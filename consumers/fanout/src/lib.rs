//! The fan-out service: one reported event to every state that must know, exactly once.
//!
//! decode → authorise → deduplicate → route → enrich → publish. Each decision is a pure function over values
//! and has a file of its own; [`pipeline`] reads as the product's sentence. Kafka is `sanchar-stream`'s part.

mod authorise;
pub mod config;
mod decode;
pub mod enrich;
#[cfg(test)]
mod examples;
#[cfg(test)]
mod leaks;
pub mod meaning;
pub mod metrics;
mod patience;
pub mod pipeline;
mod publish;
pub mod reasons;
pub mod register;
#[cfg(test)]
mod rehearsal;
pub mod route;
pub mod rules;
mod service;
mod traces;

pub use config::FanoutConfig;
pub use service::run;
