//! Where log lines go and how they look: standard error, text for people, JSON for machines.
//!
//! The rule for every line in the workspace: a constant message and fields; no record content, no personal data.
//! WARN means it recovered by itself, ERROR that somebody must act. This file only sets the output up.

use std::io::{self, IsTerminal as _};

use serde::{Deserialize, Serialize};
use tracing::Subscriber;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

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
        Self { level: "info".to_owned(), format: LogFormat::Auto }
    }
}

impl LogConfig {
    /// Whether `level` can be used.
    ///
    /// # Errors
    /// [`ConfigError`] naming `logs.level` and the part of it that is wrong.
    pub fn check(&self) -> Result<(), ConfigError> {
        filter(&self.level).map(drop)
    }
}

/// Sends every `tracing` event of this process to standard error. Once per process.
///
/// # Errors
/// [`ConfigError`] for a bad `logs.level`, or where another output was set up before.
pub fn init(config: &LogConfig) -> Result<(), ConfigError> {
    let subscriber = subscriber(config, io::stderr().is_terminal(), io::stderr)?;
    tracing::subscriber::set_global_default(subscriber)
        .map_err(|_| ConfigError::field("logs", "are already set up: call logs::init once"))
}

fn subscriber<W>(
    config: &LogConfig,
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
        (LogFormat::Text, _) | (LogFormat::Auto, true) => Box::new(builder.finish()),
        (LogFormat::Json, _) | (LogFormat::Auto, false) => {
            Box::new(builder.json().flatten_event(true).with_current_span(false).finish())
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
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Captured(Arc<Mutex<Vec<u8>>>);

    impl Write for Captured {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged(level: &str, format: LogFormat, terminal: bool) -> String {
        let captured = Captured::default();
        let writer = captured.clone();
        let config = LogConfig { level: level.to_owned(), format };
        let subscriber = subscriber(&config, terminal, move || writer.clone()).unwrap();
        tracing::subscriber::with_default(subscriber, || {
            tracing::info!(topic = "crime.dlq", "record dropped");
            tracing::debug!("not by default");
        });
        String::from_utf8(captured.0.lock().unwrap().clone()).unwrap()
    }

    #[test]
    fn json_off_a_terminal_with_utc_time_and_flat_fields() {
        let line: serde_json::Value = serde_json::from_str(&logged("info", LogFormat::Auto, false)).unwrap();
        assert_eq!(line["message"], "record dropped");
        assert_eq!(line["topic"], "crime.dlq");
        assert_eq!(line["level"], "INFO");
        let time = line["timestamp"].as_str().unwrap();
        assert!(time.ends_with('Z') && time.contains('T'), "{time}");
    }

    #[test]
    fn text_on_a_terminal_and_where_asked_for() {
        assert!(logged("info", LogFormat::Auto, true).contains("record dropped"));
        let plain = logged("info", LogFormat::Text, false);
        assert!(plain.contains("record dropped topic=\"crime.dlq\""), "{plain}");
        assert!(logged("info", LogFormat::Json, true).starts_with('{'));
    }

    #[test]
    fn the_level_filters() {
        assert_eq!(logged("debug", LogFormat::Text, false).lines().count(), 2);
        assert_eq!(logged("off", LogFormat::Text, false), "");
        assert_eq!(logged("error,sanchar_runtime=debug", LogFormat::Text, false).lines().count(), 2);
    }

    #[test]
    fn a_word_that_is_no_level_is_refused() {
        for level in ["warning", "info,verbose", "", "x=notalevel"] {
            let config = LogConfig { level: level.to_owned(), format: LogFormat::Auto };
            let error = config.check().unwrap_err().to_string();
            assert!(error.starts_with("logs.level"), "{level}: {error}");
        }
    }
}
