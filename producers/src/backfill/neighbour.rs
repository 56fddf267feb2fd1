//! The daemon of this state that runs already, as its own port shows it: `/metrics` at `http.listen`. It is asked and never told.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use reqwest::Client;
use sanchar_runtime::config::ConfigError;
use sanchar_schemas::StateCode;

use crate::NAME;

/// How long a daemon on this machine may take to answer.
const PATIENCE: Duration = Duration::from_secs(1);

/// Where a daemon of this state would answer.
#[derive(Debug, Clone)]
pub(crate) struct Neighbour {
    client: Client,
    address: Option<SocketAddr>,
    state: StateCode,
}

/// What answers there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Seen {
    /// Nothing listens.
    Nobody,
    /// Something listens and does not answer in time.
    Silent,
    /// A program that is no producer of this state.
    Stranger,
    /// The daemon, which has this left to do.
    Daemon(Work),
}

/// What a daemon has left to do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Work {
    /// Bytes of source files that it has not read.
    pub(crate) unread_bytes: u64,
    /// Rows that the broker has not acknowledged.
    pub(crate) rows_in_flight: u64,
}

impl Neighbour {
    /// The daemon of `state` that listens on `listen`.
    ///
    /// # Errors
    /// When no HTTP client can be made.
    pub(crate) fn new(listen: SocketAddr, state: StateCode) -> Result<Self, ConfigError> {
        let client = Client::builder().no_proxy().timeout(PATIENCE).build();
        let client = client.map_err(|error| {
            ConfigError::field("http.listen", format!("cannot be asked for the running daemon: {error}"))
        })?;
        // On port 0 a daemon takes any.
        let address = (listen.port() != 0).then(|| SocketAddr::new(reachable(listen.ip()), listen.port()));
        Ok(Self { client, address, state })
    }

    /// Looks what answers there.
    pub(crate) async fn look(&self) -> Seen {
        let Some(address) = self.address else { return Seen::Nobody };
        let answer = match self.client.get(format!("http://{address}/metrics")).send().await {
            Ok(answer) => answer.text().await,
            Err(error) if error.is_connect() && !error.is_timeout() => return Seen::Nobody,
            Err(_) => return Seen::Silent,
        };
        answer.map_or(Seen::Silent, |text| read(&text, self.state))
    }
}

/// A daemon that listens on every address is reached by the loopback address.
fn reachable(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(address) if address.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(address) if address.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        address => address,
    }
}

fn read(metrics: &str, state: StateCode) -> Seen {
    let build = format!("sanchar_build_info{{daemon=\"{NAME}\"");
    let gauge = |name: &str| {
        let series = format!("{name}{{state=\"{state}\"}} ");
        let value = metrics.lines().find_map(|line| line.strip_prefix(&series));
        value.and_then(|value| value.parse::<f64>().ok()).map(whole)
    };
    match (gauge("sanchar_source_lag_bytes"), gauge("sanchar_rows_in_flight")) {
        (Some(unread_bytes), Some(rows_in_flight))
            if metrics.lines().any(|line| line.starts_with(&build)) =>
        {
            Seen::Daemon(Work { unread_bytes, rows_in_flight })
        }
        _ => Seen::Stranger,
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a gauge of bytes or rows, rounded up"
)]
fn whole(value: f64) -> u64 {
    value.max(0.0).ceil() as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::ProducerMetrics;
    use sanchar_runtime::metrics::Metrics;

    #[test]
    fn a_daemon_is_known_by_its_name_and_its_state() {
        let goa: StateCode = "IN-GA".parse().unwrap();
        let metrics = Metrics::new(NAME).unwrap();
        assert_eq!(read(&metrics.render(), goa), Seen::Stranger, "not yet");
        let producer = ProducerMetrics::register(&metrics, goa).unwrap();
        producer.lag_bytes.set(12_345_678.0);
        producer.in_flight.set(3.0);
        let work = Work { unread_bytes: 12_345_678, rows_in_flight: 3 };
        assert_eq!(read(&metrics.render(), goa), Seen::Daemon(work));
        assert_eq!(read(&metrics.render(), "IN-KA".parse().unwrap()), Seen::Stranger);
        assert_eq!(read("<html>", goa), Seen::Stranger);
    }

    #[tokio::test]
    async fn a_port_where_nobody_listens_is_nobodys() {
        let look = |address: &str| {
            let neighbour = Neighbour::new(address.parse().unwrap(), "IN-GA".parse().unwrap()).unwrap();
            async move { neighbour.look().await }
        };
        // Port 1 is never served on loopback.
        assert_eq!(look("127.0.0.1:1").await, Seen::Nobody);
        assert_eq!(look("0.0.0.0:1").await, Seen::Nobody);
        assert_eq!(look("127.0.0.1:0").await, Seen::Nobody);
        let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        assert_eq!(look(&silent.local_addr().unwrap().to_string()).await, Seen::Silent);
    }
}
