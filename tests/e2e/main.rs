//! End-to-end tests: real Kafka, real registry, real daemons. Run by `make test`.
//!
//! Each test has topics of its own on shared services, and starts daemons as an operator would. `workload` is what
//! states publish in the long tests, `feed` publishes it while something is done, and `model` is what must come of it; every
//! other module is tests.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on fails right there"
)]

mod breaker;
mod broker_down;
mod commits;
mod coordination;
mod coordinator;
mod corrections;
mod daemons;
mod exporter;
mod fan_out_to_neighbours;
mod feed;
mod foreign_clients;
mod group_protocols;
mod idle;
mod judge;
mod killed;
mod large;
mod leaks;
mod membership;
mod mirror;
mod model;
mod monitoring;
mod no_brokers;
mod offsets;
mod outage;
mod partitions;
mod poison;
mod priority;
mod redrive;
mod register_on_disk;
mod registry_answers;
mod registry_down;
mod restart;
mod sample_file;
mod scaling;
mod status;
mod traces;
mod two_instances;
mod upgrade;
mod workload;
