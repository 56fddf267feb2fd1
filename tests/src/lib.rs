//! The harness of Sanchar's tests: real services, real binaries, an isolated installation for each test.
//!
//! It starts daemons as an operator would, speaks to Kafka through a plain client, and reads inboxes without
//! any code of the fan-out service. It holds no test; those are in `contract/`, `e2e/` and `bench/`.
//!
//! Read [`installation`] first, then [`publisher`] for what goes in, [`inbox`] for what comes out, and [`judge`] for
//! whether that is right.

pub mod accounts;
pub mod address;
pub mod chance;
pub mod cluster;
pub mod collector;
pub mod daemon;
pub mod events;
pub mod foreign;
pub mod front;
pub mod gate;
pub mod inbox;
pub mod installation;
pub mod judge;
pub mod mirror;
pub mod monitoring;
pub mod process;
pub mod progress;
pub mod proxy;
pub mod publisher;
pub mod pusher;
pub mod small_disk;
pub mod stack;

pub use accounts::Accounts;
pub use daemon::Daemon;
pub use installation::Installation;
pub use progress::Progress;
