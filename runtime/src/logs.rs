//! Where log lines go and how they look: standard error, text for people, JSON for machines.
//!
//! The rule for every line in the workspace: a constant message and fields; no record content, no personal data.
//! WARN means it recovered by itself, ERROR that somebody must act. This file only sets the output up; how many lines one
//! place may write is [`LineLimit`]'s business.

mod limit;

use std::io::{self, IsTerminal as _};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tracing::Subscriber;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;

pub use limit::LineLimit;
pub(crate) use limit::WINDOW_MS;

use crate::clock::SystemClock;
use crate::config::ConfigError;

/// The `[logs]` table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LogConfig {
    /// What to show: a level (`error`, `warn`, `info`, `debug`, `trace`, `off`), and comma-separated exceptions as
    /// `target=level`. Default `info`.
    pub level: String,
    /// How it looks. Default `auto`.
    pub format: LogFormat,
    /// Most lines that one place in the code writes within ten seconds; how many more there were is logged and counted.
    /// Default 100.
    pub site_lines_max: u32,
}

/// The look of a log line. Times are RFC 3339 in UTC.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// Text on a terminal, otherwise JSON.
    #[default]
    Auto,
    /// One readable line, coloured on a terminal.
    Text,
    /// One JSON object per line: `timestamp`, `level`, `target`, `message` and the event's own fields.
    Json,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self { level: "info".to_owned(), format: LogFormat::Auto, site_lines_max: 100 }
    }
}

impl LogConfig {
    /// Whether it can be used.
    ///
    /// # Errors
    /// [`ConfigError`] naming the field and what is wrong with it.
    pub fn check(&self) -> Result<(), ConfigError> {
        if self.site_lines_max == 0 {
            return Err(ConfigError::field("logs.site_lines_max", "is 0: use 1 or more, or level = \"off\""));
        }
        filter(&self.level).map(drop)
    }
}

/// Sends every `tracing` event of this process to standard error. Once per process. Whoever called it has the limit tell
/// what was left out.
///
/// # Errors
/// [`ConfigError`] for a bad `logs.level`, or where another output was set up before.
pub fn init(config: &LogConfig) -> Result<LineLimit, ConfigError> {
    let limit = LineLimit::new(config.site_lines_max, Arc::new(SystemClock));
    let subscriber = subscriber(config, &limit, io::stderr().is_terminal(), io::stderr)?;
    tracing::subscriber::set_global_default(subscriber)
        .map_err(|_| ConfigError::field("logs", "are already set up: call logs::init once"))?;
    Ok(limit)
}

fn subscriber<W>(
    config: &LogConfig,
    limit: &LineLimit,
    terminal: bool,
    writer: W,
) -> Result<Box<dyn Subscriber + Send + Sync>, ConfigError>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter(&config.level)?)
        .with_writer(writer)
        .with_ansi(terminal);
    Ok(match (config.format, terminal) {
        (LogFormat::Text, _) | (LogFormat::Auto, true) => Box::new(builder.finish().with(limit.clone())),
        (LogFormat::Json, _) | (LogFormat::Auto, false) => {
            let json = builder.json().flatten_event(true).with_current_span(false);
            Box::new(json.finish().with(limit.clone()))
        }
    })
}

const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

/// A lone word that is no level would silently be taken for a target and hide everything else, so it is refused.
fn filter(level: &str) -> Result<EnvFilter, ConfigError> {
    let word = level.split(',').map(str::trim).find(|part| !part.contains('=') && !LEVELS.contains(part));
    if let Some(word) = word {
        let problem =
            format!("has `{word}`, which is no level: use one of {}, or target=level", LEVELS.join(", "));
        return Err(ConfigError::field("logs.level", problem));
    }
    EnvFilter::try_new(level)
        .map_err(|error| ConfigError::field("logs.level", format!("is not a filter: {error}")))
}

#[cfg(test)]
mod tests;
