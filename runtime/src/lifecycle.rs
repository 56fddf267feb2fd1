//! How a daemon starts, stops and says how it ended.
//!
//! [`run_daemon`] is the body of every daemon's `main`; [`Shutdown`] tells its parts to stop; [`ExitCode`] is the
//! contract with the supervisor. It does not restart anything: that is systemd's or Kubernetes' part.

mod daemon;
mod exit;
mod reload;
mod shutdown;
mod stops;

pub use daemon::{Context, DaemonConfig, LifecycleConfig, run_daemon};
pub use exit::{ExitCode, Failure};
pub use reload::{Reload, Reloads};
pub use shutdown::Shutdown;
pub use stops::register_stops;
