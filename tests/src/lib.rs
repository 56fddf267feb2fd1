//! The harness of Sanchar's tests: real services, real binaries, an isolated installation for each test.
//!
//! It starts daemons as an operator would, speaks to Kafka through a plain client, and reads inboxes without
//! any code of the fan-out service. It holds no test; those are in `contract/`, `e2e/`, `faults/` and `bench/`.

pub mod cluster;
pub mod daemon;
pub mod events;
pub mod inbox;
pub mod installation;

pub use daemon::Daemon;
pub use installation::Installation;
