//! The smallest daemon: everything the chassis asks of a program, and nothing else.
//!
//! It does no work. Its one setting chooses how it ends, so that the chassis's own tests can watch each way.
//! Try `cargo run -p sanchar-runtime --example smallest_daemon -- print-config -c /dev/null`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use sanchar_runtime::cli::{self, DaemonArgs};
use sanchar_runtime::config::ConfigError;
use sanchar_runtime::http::HttpConfig;
use sanchar_runtime::lifecycle::{self, Context, DaemonConfig, Failure, LifecycleConfig};
use sanchar_runtime::logs::LogConfig;
use sanchar_runtime::secret::Secret;
use serde::{Deserialize, Serialize};

/// Does nothing, in good order.
#[derive(Debug, Parser)]
#[command(
    name = "smallest_daemon",
    version,
    after_help = "Examples:\n  smallest_daemon -c daemon.toml\n  smallest_daemon check-config -c daemon.toml"
)]
struct Arguments {
    #[command(flatten)]
    daemon: DaemonArgs,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Config {
    ends: End,
    password: Option<Secret>,
    folder: Option<PathBuf>,
    logs: LogConfig,
    http: HttpConfig,
    lifecycle: LifecycleConfig,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum End {
    #[default]
    WhenAsked,
    ByItself,
    Never,
    ByFailure,
    ByPanic,
    AfterManyLines,
}

impl DaemonConfig for Config {
    fn logs(&self) -> &LogConfig {
        &self.logs
    }

    fn state_folder(&self, folder: &Path) -> Option<PathBuf> {
        self.folder.as_ref().map(|own| folder.join(own))
    }

    fn http(&self) -> &HttpConfig {
        &self.http
    }

    fn lifecycle(&self) -> &LifecycleConfig {
        &self.lifecycle
    }

    fn check(&self) -> Result<(), ConfigError> {
        if self.ends == End::ByItself && self.password.is_some() {
            return Err(ConfigError::field("password", "has no use with ends = \"by_itself\": remove it"));
        }
        Ok(())
    }
}

fn main() -> ExitCode {
    match cli::parse::<Arguments>() {
        Ok(arguments) => lifecycle::run_daemon("smallest-daemon", &arguments.daemon, run),
        Err(code) => code,
    }
}

async fn run(config: Config, context: Context) -> Result<(), Failure> {
    let nothing = context.health.component("nothing", None);
    nothing.ready();
    match config.ends {
        End::WhenAsked => context.shutdown.triggered().await,
        End::ByItself => {}
        End::Never => std::future::pending().await,
        End::ByFailure => return Err(Failure::unavailable("no broker answers: check kafka.bootstrap")),
        End::ByPanic => panic_elsewhere(),
        End::AfterManyLines => (0..1_000).for_each(|number| tracing::warn!(number, "it says the same")),
    }
    Ok(())
}

/// On a thread that nobody waits for, with text that must not be shown.
#[expect(clippy::panic, reason = "to show what becomes of a panic")]
fn panic_elsewhere() {
    let name = "a person";
    drop(std::thread::spawn(move || panic!("cannot read {name}")).join());
}
