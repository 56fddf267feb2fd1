//! Asks daemons for their metrics and readiness, and the brokers for topics and groups. Concludes nothing.
//!
//! An answer is bounded in size and time; one that does not come is a value too, with the reason.

use std::time::{Duration, Instant};

use reqwest::{Client, Response, StatusCode};
use sanchar_runtime::kafka::KafkaConfig;
use sanchar_runtime::lifecycle::Failure;
use tokio::task::JoinSet;

use crate::names::shown;
use crate::scrape::Scrape;
use crate::survey::{self, Scope, Survey};
use crate::text::{clean, shortened};

/// How long a daemon may take to answer.
const ANSWER: Duration = Duration::from_secs(5);
/// A fan-out with every series that it can ever have answers with 120 KiB.
const ANSWER_BYTES_MAX: usize = 4 << 20;
/// Of a daemon's own word on why it is not ready, so much is shown.
const WHY_CHARS_MAX: usize = 200;

/// Who asks.
#[derive(Debug, Clone)]
pub(crate) struct Look {
    client: Client,
    addresses: Vec<String>,
    kafka: KafkaConfig,
    pub(crate) scope: Scope,
}

/// One daemon's answer, or why there is none.
#[derive(Debug, Clone)]
pub(crate) struct Probe {
    pub(crate) address: String,
    pub(crate) at: Instant,
    pub(crate) answer: Result<Answer, String>,
}

/// What a daemon says of itself.
#[derive(Debug, Clone, Default)]
pub(crate) struct Answer {
    /// Why it is not ready, where it is not.
    pub(crate) not_ready: Option<String>,
    pub(crate) scrape: Scrape,
}

impl Look {
    /// # Errors
    /// [`Failure`] (64) where an address is not host:port.
    pub(super) fn new(named: Vec<String>, kafka: KafkaConfig, scope: Scope) -> Result<Self, Failure> {
        let mut addresses: Vec<String> = Vec::with_capacity(named.len());
        for address in named {
            if !addresses.contains(&address) {
                addresses.push(address);
            }
        }
        for address in &addresses {
            let port = address.rsplit_once(':').filter(|(host, _)| !host.is_empty());
            if port.is_none_or(|(_, port)| port.parse::<u16>().is_err()) || address.contains('/') {
                let shown = shown(address);
                return Err(Failure::usage(format!(
                    "`{shown}` is not where a daemon listens: write host:port, as in its http.listen"
                )));
            }
        }
        let client = Client::builder().no_proxy().timeout(ANSWER).build();
        let client =
            client.map_err(|error| Failure::internal(format!("cannot make an http client: {error}")))?;
        Ok(Self { client, addresses, kafka, scope })
    }

    #[cfg(test)]
    pub(super) fn addresses(&self) -> &[String] {
        &self.addresses
    }

    /// Asks every daemon, all at once. The answers are in the order of the addresses.
    pub(crate) async fn daemons(&self) -> Vec<Probe> {
        let mut asked = JoinSet::new();
        for (index, address) in self.addresses.iter().cloned().enumerate() {
            let client = self.client.clone();
            asked.spawn(async move {
                let answer = ask(&client, &address).await;
                (index, Probe { address, at: Instant::now(), answer })
            });
        }
        let mut probes = asked.join_all().await;
        probes.sort_by_key(|(index, _)| *index);
        probes.into_iter().map(|(_, probe)| probe).collect()
    }

    /// Asks the brokers, on a thread that may block.
    ///
    /// # Errors
    /// As [`survey::survey`].
    pub(crate) async fn brokers(self) -> Result<Survey, Failure> {
        let asked = tokio::task::spawn_blocking(move || survey::survey(&self.kafka, &self.scope));
        asked.await.map_err(|error| Failure::internal(format!("a survey has ended: {error}")))?
    }
}

async fn ask(client: &Client, address: &str) -> Result<Answer, String> {
    let (status, ready) = get(client, address, "readyz").await?;
    let first = clean(ready.lines().next().unwrap_or_default());
    let not_ready = (status != StatusCode::OK).then(|| shortened(&first, WHY_CHARS_MAX));
    let (status, text) = get(client, address, "metrics").await?;
    let scrape = Scrape::parse(&text);
    if status != StatusCode::OK || scrape.label("sanchar_build_info", "daemon").is_none() {
        return Err("what answers there is no daemon of sanchar".to_owned());
    }
    Ok(Answer { not_ready, scrape })
}

async fn get(client: &Client, address: &str, path: &str) -> Result<(StatusCode, String), String> {
    let sent = client.get(format!("http://{address}/{path}")).send().await;
    let mut response: Response = sent.map_err(|error| reason(&error))?;
    let (status, mut body) = (response.status(), Vec::new());
    while let Some(chunk) = response.chunk().await.map_err(|error| reason(&error))? {
        if body.len() + chunk.len() > ANSWER_BYTES_MAX {
            return Err(format!("/{path} is longer than {} MiB", ANSWER_BYTES_MAX >> 20));
        }
        body.extend_from_slice(&chunk);
    }
    Ok((status, String::from_utf8_lossy(&body).into_owned()))
}

/// The library's own words repeat the address and say little.
fn reason(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        format!("no answer within {} s", ANSWER.as_secs())
    } else if error.is_connect() {
        "nothing listens there".to_owned()
    } else {
        "what answers there does not speak http".to_owned()
    }
}
