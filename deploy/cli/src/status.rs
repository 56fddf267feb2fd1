//! `sanchar status`: how it all is, once: daemons, states, producers, readers of inboxes, dead letters, and what needs attention.
//!
//! The figures are those that the daemons show to Prometheus, at two moments, what the brokers say of topics and groups, and
//! whether the registry answers.
//! The parts: `look` asks, `picture` holds, `assemble` and `concerns` conclude, `sheets` words it. `top` shows the same.

mod assemble;
mod concerns;
pub(crate) mod look;
mod picture;
mod report;
pub(crate) mod sheets;

use std::io::Write;
use std::time::Duration;

use jiff::{Span, SpanRelativeTo};
use sanchar_runtime::clock;
use sanchar_runtime::config;
use sanchar_runtime::lifecycle::Failure;
use serde::Deserialize;

use crate::connection::Connection;
use crate::names::shown;
use crate::outcome::{Outcome, Stop};
use crate::survey::{GROUPS_MAX, GroupFilter, Scope};

pub(crate) use assemble::{Asked, assemble};
pub(crate) use look::{Ground, Look};
pub(crate) use picture::Picture;

/// How long the brokers may be asked.
const BROKERS: Duration = Duration::from_secs(20);

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  sanchar status --daemon fanout-1:9464 --daemon producer-ka:9471 --kafka k1:9092
  sanchar status --config status.toml           addresses and brokers by a file
  sanchar status --config status.toml --json | jq '.attention'
  sanchar status --config status.toml >/dev/null || echo 'something needs attention'
The registry is asked where --registry or the file names one.

status.toml:
  [status]
  daemons = [\"fanout-1.example:9464\", \"producer-ka.example:9471\"]
  [kafka]
  bootstrap = \"k1:9092,k2:9092\"

Exit codes:
  0   nothing needs attention
  2   something does; it is listed at the end
  64  the command line is wrong
  69  neither a daemon nor a broker answers
  78  the configuration is wrong")]
pub(crate) struct Args {
    #[command(flatten)]
    sources: Sources,
    /// Seconds between the two looks from which rates are counted
    #[arg(long, value_name = "SECONDS", default_value_t = 2, value_parser = clap::value_parser!(u64).range(1..=60))]
    over: u64,
    /// One JSON object, for programs
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connection: Connection,
}

/// Whom to ask.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Sources {
    /// Where a daemon shows its metrics, as host:port; once for each, beside those of [status] in the file
    #[arg(long = "daemon", value_name = "ADDRESS")]
    daemons: Vec<String>,
    /// An inbox is read late where a record has waited for longer than this
    #[arg(long, value_name = "TIME", default_value = "15m", value_parser = parse_seconds)]
    late: f64,
}

/// What a file says beside the connection.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct File {
    status: Table,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Table {
    /// Where daemons show their metrics, as host:port.
    daemons: Vec<String>,
}

fn parse_seconds(text: &str) -> Result<f64, String> {
    let span = text.trim().parse::<Span>().ok();
    let duration = span.and_then(|span| span.to_duration(SpanRelativeTo::days_are_24_hours()).ok());
    duration
        .map(|duration| duration.as_secs_f64())
        .filter(|seconds| *seconds > 0.0)
        .ok_or_else(|| format!("`{}` is no time: use for example 90s, 15m or 2h", shown(text)))
}

impl Sources {
    /// Who asks them.
    ///
    /// # Errors
    /// [`Failure`] (64, 78) where an address or the file is wrong.
    pub(crate) fn look(&self, connection: &Connection) -> Result<Look, Failure> {
        let file: File = connection.file().map(config::load).transpose()?.unwrap_or_default();
        let addresses = file.status.daemons.into_iter().chain(self.daemons.iter().cloned()).collect();
        let cluster = connection.cluster()?;
        let scope = Scope {
            space: cluster.space(),
            groups: GroupFilter::new(".*", None)?,
            groups_max: GROUPS_MAX,
            patience: BROKERS,
        };
        let is_asked = connection.means_a_registry()?;
        let registry = is_asked.then(|| cluster.registry_client()).transpose()?;
        Look::new(addresses, cluster.kafka, registry, scope)
    }

    /// Longest wait of a record in an inbox that is no concern, in seconds.
    pub(crate) const fn late_seconds(&self) -> f64 {
        self.late
    }
}

pub(crate) async fn run(args: &Args, out: &mut dyn Write) -> Result<Outcome, Stop> {
    let look = args.sources.look(&args.connection)?;
    let ground = tokio::spawn(look.clone().ground());
    let before = look.daemons().await;
    tokio::time::sleep(Duration::from_secs(args.over)).await;
    let now = look.daemons().await;
    let ground =
        ground.await.map_err(|error| Failure::internal(format!("the brokers' answer is lost: {error}")))?;
    if let (Err(failure), false) = (&ground.survey, now.iter().any(|probe| probe.answer.is_ok())) {
        let daemons = if now.is_empty() {
            "no daemon was named: use --daemon"
        } else {
            "no daemon answers at the addresses that were named"
        };
        return Err(Failure::unavailable(format!("{failure}; {daemons}")).into());
    }
    let asked = Asked {
        space: &look.scope.space,
        before: &before,
        now: &now,
        ground: &ground,
        at_ms: clock::now_ms(),
        late_seconds: args.sources.late_seconds(),
    };
    let picture = assemble(&asked);
    if args.json {
        report::json(&picture, out)?;
    } else {
        report::text(&picture, out)?;
    }
    Ok(if picture.attention.is_empty() { Outcome::Done } else { Outcome::Left })
}

#[cfg(test)]
pub(crate) mod tests;
