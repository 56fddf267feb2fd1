//! One daemon per state: source → map → normalise → validate → publish.
//!
//! A state's TOML file says where its rows are and which column fills which field of a crime event. Read
//! [`language`] for what such a file can say and [`mapping`] for what becomes of a row; both are pure.

mod backfill;
mod certificates;
mod checkpoint;
pub mod config;
pub mod database;
pub mod doctor;
pub mod dry_run;
mod dry_run_database;
pub mod infer;
pub mod language;
#[cfg(test)]
mod leaks;
pub mod mapping;
mod memo;
mod memory;
pub mod metrics;
mod naming;
pub mod publish;
pub mod push;
mod quarantine;
mod reading;
pub mod reason;
mod run;
mod siblings;
pub mod source;
pub mod spool;
mod store;
pub mod summary;
mod text;
pub mod withholding;
mod worker;

/// The program's name in logs, metrics and messages.
pub const NAME: &str = "sanchar-producer";

pub use backfill::{Backfill, BackfillConfig, Days, Request, backfill};
pub use config::ProducerConfig;
pub use dry_run::{Fit, Progress, Shown, dry_run, explain, fitting_files, missing_files};
pub use dry_run_database::{dry_run_database, explain_database};
pub use run::{Options, run};
pub use siblings::JoinError;
pub use store::StoreConfig;
pub use summary::Summary;
