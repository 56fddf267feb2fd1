//! `sanchar-fanout`: the daemon. Everything it does is in the library.

use clap::Parser;
use sanchar_fanout::FanoutConfig;
use sanchar_runtime::cli::{self, DaemonArgs};
use sanchar_runtime::lifecycle::run_daemon;

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

Exit codes: 0 stopped as asked, 64 usage, 69 a service or topic is missing at the start, 70 internal error or
mostly poison, 75 temporary failure (restart me), 78 configuration.";

fn main() -> std::process::ExitCode {
    match cli::parse::<Args>() {
        Ok(args) => run_daemon::<FanoutConfig, _, _>("sanchar-fanout", &args.daemon, sanchar_fanout::run),
        Err(code) => code,
    }
}
