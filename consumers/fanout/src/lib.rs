//! The fan-out service: one reported event to every state that must know, exactly once.
//!
//! decode → authorise → deduplicate → enrich → route → publish. Each decision is a pure function over values
//! and has a file of its own; [`pipeline`] reads as the product's sentence. Kafka is `sanchar-stream`'s part.

mod authorise;
pub mod config;
mod decode;
pub mod enrich;
#[cfg(test)]
mod examples;
mod metrics;
mod patience;
pub mod pipeline;
mod publish;
pub mod reasons;
pub mod register;
pub mod route;
mod service;

pub use config::FanoutConfig;
pub use service::run;
