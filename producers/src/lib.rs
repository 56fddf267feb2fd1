//! One daemon per state: source → map → normalise → validate → publish.
//!
//! A state's TOML file says where its rows are and which column fills which field of a crime event. Read
//! [`language`] for what such a file can say and [`mapping`] for what becomes of a row; both are pure.

mod checkpoint;
pub mod config;
pub mod dry_run;
pub mod language;
pub mod mapping;
pub mod metrics;
pub mod publish;
mod quarantine;
mod reading;
pub mod reason;
mod run;
pub mod source;
mod store;
pub mod summary;
mod text;
pub mod withholding;
mod worker;

pub use config::ProducerConfig;
pub use dry_run::{Fit, Progress, Shown, dry_run, explain, fitting_files};
pub use run::{Options, run};
pub use store::StoreConfig;
pub use summary::Summary;
