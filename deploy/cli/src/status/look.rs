//! Asks daemons for their metrics and readiness, the brokers for topics and groups, and the registry whether it answers.
//! Concludes nothing.
//!
//! An answer is bounded in size and time; one that does not come is a value too, with the reason.

use std::time::{Duration, Instant};

use reqwest::{Client, Response, StatusCode};
use sanchar_runtime::kafka::KafkaConfig;
use sanchar_runtime::lifecycle::Failure;
use sanchar_runtime::registry::RegistryClient;
use sanchar_runtime::unanswered::Unanswered;
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
    registry: Option<RegistryClient>,
    pub(crate) scope: Scope,
}

/// What the daemons stand on.
#[derive(Debug)]
pub(crate) struct Ground {
    pub(crate) survey: Result<Survey, Failure>,
    /// The registry's number of subjects, or why it gives none; `None` where it was not asked.
    pub(crate) registry: Option<Result<usize, String>>,
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
    pub(super) fn new(
        named: Vec<String>,
        kafka: KafkaConfig,
        registry: Option<RegistryClient>,
        scope: Scope,
    ) -> Result<Self, Failure> {
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
        Ok(Self { client, addresses, kafka, registry, scope })
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

    /// Asks the brokers, on a thread that may block, and the registry meanwhile.
    pub(crate) async fn ground(self) -> Ground {
        let asked = tokio::task::spawn_blocking(move || survey::survey(&self.kafka, &self.scope));
        let registry = match self.registry {
            Some(registry) => Some(subjects(&registry).await),
            None => None,
        };
        let lost = |error| Err(Failure::internal(format!("a survey has ended: {error}")));
        Ground { survey: asked.await.unwrap_or_else(lost), registry }
    }
}

async fn subjects(registry: &RegistryClient) -> Result<usize, String> {
    match tokio::time::timeout(ANSWER, registry.subjects()).await {
        Ok(Ok(subjects)) => Ok(subjects.len()),
        Ok(Err(error)) => Err(shortened(&clean(&error.to_string()), WHY_CHARS_MAX)),
        Err(_) => Err(format!("the schema registry: {}: check --registry, and that it is up", too_late())),
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

fn reason(error: &reqwest::Error) -> String {
    match Unanswered::of(error) {
        Unanswered::TimedOut => too_late(),
        other => other.to_string(),
    }
}

fn too_late() -> String {
    format!("no answer within {} s", ANSWER.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_name_that_nobody_has_is_told_apart_from_a_port_that_nobody_serves() {
        let client = Client::builder().no_proxy().timeout(ANSWER).build().unwrap();
        for (address, why) in
            [("nobody.invalid:9464", "no host has that name"), ("127.0.0.1:1", "nothing listens there")]
        {
            assert_eq!(ask(&client, address).await.unwrap_err(), why);
        }
    }
}
