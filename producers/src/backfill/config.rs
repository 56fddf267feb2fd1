//! The configuration of a backfill: the daemon's own file, with another port, for the daemon's is taken while it runs.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

use sanchar_runtime::config::ConfigError;
use sanchar_runtime::http::HttpConfig;
use sanchar_runtime::lifecycle::{DaemonConfig, LifecycleConfig};
use sanchar_runtime::logs::LogConfig;
use sanchar_runtime::telemetry::TelemetryConfig;
use serde::{Deserialize, Serialize};

use crate::config::ProducerConfig;

/// A producer's configuration that listens on a free port of the loopback address.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BackfillConfig {
    producer: ProducerConfig,
    #[serde(skip, default = "any_port")]
    http: HttpConfig,
}

impl BackfillConfig {
    /// The producer's configuration as it stands in the file.
    #[must_use]
    pub fn into_producer(self) -> ProducerConfig {
        self.producer
    }
}

impl DaemonConfig for BackfillConfig {
    fn logs(&self) -> &LogConfig {
        self.producer.logs()
    }

    fn telemetry(&self) -> &TelemetryConfig {
        self.producer.telemetry()
    }

    fn http(&self) -> &HttpConfig {
        &self.http
    }

    fn lifecycle(&self) -> &LifecycleConfig {
        self.producer.lifecycle()
    }

    fn check(&self) -> Result<(), ConfigError> {
        self.producer.check()
    }

    fn check_files(&self, folder: &Path) -> Result<(), ConfigError> {
        self.producer.check_files(folder)
    }
}

fn any_port() -> HttpConfig {
    HttpConfig { listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)) }
}
