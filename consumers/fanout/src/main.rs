//! `sanchar-fanout`: the daemon. Everything it does is in the library.

use clap::Parser;
use sanchar_fanout::FanoutConfig;
use sanchar_runtime::cli::{self, DaemonArgs};
use sanchar_runtime::lifecycle::run_daemon;
use std::os::unix::process::CommandExt as _;
use std::path::Path;

/// Delivers every crime event to the states that must know, exactly once
#[derive(Debug, Parser)]
#[command(name = "sanchar-fanout", version = sanchar_runtime::VERSION, after_help = EXAMPLES)]
struct Args {
    #[command(flatten)]
    daemon: DaemonArgs,
}

/// For librdkafka as well: every copy is allocated on the engine's thread and freed on that of a connection, where
/// glibc's allocator contends for its locks. It costs a third of the processor time of a drain.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const EXAMPLES: &str = "\
Examples:
  sanchar-fanout -c /etc/sanchar/fanout.toml               run until SIGTERM
  sanchar-fanout -c fanout.toml check-config               check the file, touch no network
  sanchar-fanout -c fanout.toml print-config               show what is in force, secrets redacted
  SANCHAR__KAFKA__BOOTSTRAP=k1:9092 sanchar-fanout -c fanout.toml
                                                           override one setting
  systemctl kill --signal=HUP sanchar-fanout               read the routing rules again (rules.folder)

Exit codes: 0 stopped as asked, 64 usage, 69 a service, a topic or a right is missing, 70 internal error or
mostly poison, 75 temporary failure (restart me), 78 configuration.";

/// Tells the allocator to give memory back within so many milliseconds, not after a second (`ARCHITECTURE.md`, Non-obvious).
const ALLOCATOR_SETTING: (&str, &str) = ("MIMALLOC_PURGE_DELAY", "10");

fn main() -> std::process::ExitCode {
    become_set();
    match cli::parse::<Args>() {
        Ok(args) => {
            let file = args.daemon.config_path().map(Path::to_owned).unwrap_or_default();
            let run =
                move |config: FanoutConfig, context| sanchar_fanout::run(config.in_folder_of(&file), context);
            run_daemon("sanchar-fanout", &args.daemon, run)
        }
        Err(code) => code,
    }
}

/// Begins again as the same process with [`ALLOCATOR_SETTING`], unless it is set to something. The allocator reads its
/// settings before `main`, and from the environment alone. Where that cannot be, the service takes more memory.
fn become_set() {
    let (name, value) = ALLOCATOR_SETTING;
    if std::env::var_os(name).is_some() {
        return;
    }
    if let Ok(program) = std::env::current_exe() {
        let mut same = std::process::Command::new(program);
        let _failed = same.args(std::env::args_os().skip(1)).env(name, value).exec();
    }
}
