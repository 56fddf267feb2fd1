//! The brokers: do their names resolve and their ports open, does the cluster answer this user, and is the topic there as the contract
//! says? It asks for metadata alone.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rdkafka::ClientContext;
use rdkafka::admin::{AdminClient, AdminOptions, ResourceSpecifier};
use rdkafka::client::DefaultClientContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::DeliveryResult;
use rdkafka::metadata::Metadata;
use rdkafka::producer::{BaseProducer, Producer as _, ProducerContext};
use sanchar_runtime::kafka::KafkaConfig;
use sanchar_schemas::topics::{Topic, TopicSpace};
use tokio::net::TcpStream;

use super::finding::{Cause, Check, Finding};
use crate::config::ProducerConfig;

/// How long one address may take to connect.
const CONNECT: Duration = Duration::from_secs(3);
/// How long the cluster may take to answer.
const ANSWER: Duration = Duration::from_secs(5);
/// How long the client tells what it heard.
const HEARING: Duration = Duration::from_millis(200);
/// The name that brokers know these clients by.
pub(super) const CLIENT_ID: &str = "sanchar-producer-doctor";

/// What the cluster says of itself.
#[derive(Debug)]
pub(super) struct Cluster {
    topic: Option<TopicSeen>,
    brokers: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct TopicSeen {
    partitions: usize,
    leaderless: usize,
    /// Copies of the partition that has the fewest.
    copies: usize,
    /// The same of those that are up to date.
    in_sync: usize,
}

impl Cluster {
    /// Whether the topic is there and this user may see it.
    pub(super) fn has_topic(&self) -> bool {
        self.topic.is_some()
    }
}

/// Keeps the client's last word on what went wrong.
#[derive(Default)]
pub(super) struct Heard {
    error: Mutex<Option<(Option<RDKafkaErrorCode>, String)>>,
    delivered: Mutex<Option<Result<(), KafkaError>>>,
}

impl Heard {
    fn error(&self) -> Option<(Option<RDKafkaErrorCode>, String)> {
        self.error.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What became of the one message that was sent.
    pub(super) fn delivered(&self) -> Option<Result<(), KafkaError>> {
        self.delivered.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl ClientContext for Heard {
    fn error(&self, error: KafkaError, reason: &str) {
        let mut last = self.error.lock().unwrap_or_else(PoisonError::into_inner);
        // That all brokers are down follows from what was said before.
        if last.is_none() || error.rdkafka_error_code() != Some(RDKafkaErrorCode::AllBrokersDown) {
            *last = Some((error.rdkafka_error_code(), reason.to_owned()));
        }
    }
}

impl ProducerContext for Heard {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        let outcome = result.as_ref().map(drop).map_err(|(error, _)| error.clone());
        *self.delivered.lock().unwrap_or_else(PoisonError::into_inner) = Some(outcome);
    }
}

/// The state's topic as this cluster calls it.
pub(super) fn topic_name(config: &ProducerConfig) -> String {
    let prefix = config.kafka.topic_prefix.as_deref().unwrap_or_default();
    TopicSpace::new(prefix).name(Topic::Reported(config.state.code))
}

/// Whether each broker of `kafka.bootstrap` has a name that resolves and a port that opens.
pub(super) async fn addresses(config: &ProducerConfig) -> Finding {
    let mut failed = Vec::new();
    let mut opened = 0;
    for broker in config.kafka.bootstrap.split(',').map(str::trim) {
        match tokio::time::timeout(CONNECT, connect(broker)).await {
            Ok(Ok(())) => opened += 1,
            Ok(Err(problem)) => failed.push(format!("{broker} {problem}")),
            Err(_) => failed.push(format!("{broker} does not answer in {} s", CONNECT.as_secs())),
        }
    }
    let remedy =
        "see whether it is spelt right in kafka.bootstrap, the broker is up, and no firewall is between";
    match (opened, failed.is_empty()) {
        (_, true) => Check::Addresses.ok(format!("of kafka.bootstrap, resolved and connected to: {opened}")),
        (0, false) => Check::Addresses.failed(Cause::Service, failed.join("; "), remedy),
        (_, false) => Check::Addresses.warning(failed.join("; "), remedy),
    }
}

async fn connect(broker: &str) -> Result<(), String> {
    let addresses = tokio::net::lookup_host(broker).await;
    let addresses = addresses.map_err(|error| format!("does not resolve ({error})"))?;
    let mut problem = "resolves to no address".to_owned();
    for address in addresses {
        match TcpStream::connect(address).await {
            Ok(_) => return Ok(()),
            // What is an address already is not told twice.
            Err(error) if broker == address.to_string() => {
                problem = format!("cannot be connected to ({error})");
            }
            Err(error) => problem = format!("cannot be connected to at {address} ({error})"),
        }
    }
    Err(problem)
}

/// A client that keeps what it hears, with these settings over the configuration's.
pub(super) fn client(kafka: &KafkaConfig, settings: &[(&str, &str)]) -> Result<BaseProducer<Heard>, String> {
    let mut client = kafka.client_config(CLIENT_ID).map_err(|error| error.to_string())?;
    for (key, value) in settings {
        client.set(*key, *value);
    }
    let made = client.create_with_context::<Heard, BaseProducer<Heard>>(Heard::default());
    made.map_err(|error| format!("kafka cannot be used ({error})"))
}

/// Whether the cluster answers this user, and what it says.
pub(super) async fn cluster(config: &ProducerConfig) -> (Finding, Option<Cluster>) {
    let (kafka, topic) = (config.kafka.clone(), topic_name(config));
    let asked = tokio::task::spawn_blocking(move || ask(&kafka, &topic)).await;
    asked.unwrap_or_else(|error| {
        (Check::Brokers.failed(Cause::Machine, error.to_string(), "please report it"), None)
    })
}

fn ask(kafka: &KafkaConfig, topic: &str) -> (Finding, Option<Cluster>) {
    let client = match client(kafka, &[]) {
        Ok(client) => client,
        Err(problem) => return (Check::Brokers.refused(Cause::Configuration, problem), None),
    };
    // Asking for all topics, because asking for one may create it.
    let metadata = match client.client().fetch_metadata(None, ANSWER) {
        Ok(metadata) => metadata,
        Err(error) => {
            // What the client heard meanwhile is told when it is polled.
            client.poll(HEARING);
            return (refused(&error, client.context().error()), None);
        }
    };
    let id = client.client().fetch_cluster_id(ANSWER);
    let brokers = metadata.brokers().len();
    let seen = format!(
        "the cluster {} answers with {} as this user",
        id.as_deref().unwrap_or("(without an id)"),
        if brokers == 1 { "1 broker".to_owned() } else { format!("{brokers} brokers") },
    );
    let finding = if kafka.bootstrap.contains(',') || brokers < 2 {
        Check::Brokers.ok(seen)
    } else {
        Check::Brokers
            .warning(seen, "name a second one in kafka.bootstrap, for the day when the first is down")
    };
    (finding, Some(Cluster { topic: topic_seen(&metadata, topic), brokers }))
}

fn refused(error: &KafkaError, heard: Option<(Option<RDKafkaErrorCode>, String)>) -> Finding {
    use RDKafkaErrorCode::{Authentication, SSL, SaslAuthenticationFailed};
    let (code, reason) = heard.unwrap_or((error.rdkafka_error_code(), String::new()));
    let said = if reason.is_empty() { error.to_string() } else { reason };
    // Behind that the client counts its own attempts.
    let said = said.split(" (after ").next().unwrap_or_default();
    let seen = format!("no broker answers this user ({said})");
    match code {
        Some(Authentication | SaslAuthenticationFailed) => {
            let remedy =
                "the log-in is refused: check kafka.sasl_username, its password and kafka.sasl_mechanism";
            Check::Brokers.failed(Cause::Configuration, seen, remedy)
        }
        Some(SSL) => {
            let remedy = "check kafka.ca_file, the client's certificate, and that the broker's names the host asked for";
            Check::Brokers.failed(Cause::Configuration, seen, remedy)
        }
        _ => {
            let remedy = "see whether the brokers are up, kafka.security_protocol is theirs, and the addresses that they \
                          advertise can be reached from here";
            Check::Brokers.failed(Cause::Service, seen, remedy)
        }
    }
}

fn topic_seen(metadata: &Metadata, name: &str) -> Option<TopicSeen> {
    let topic = metadata.topics().iter().find(|topic| topic.name() == name && topic.error().is_none())?;
    let partitions = topic.partitions();
    Some(TopicSeen {
        partitions: partitions.len(),
        leaderless: partitions.iter().filter(|partition| partition.leader() < 0).count(),
        copies: partitions.iter().map(|partition| partition.replicas().len()).min().unwrap_or_default(),
        in_sync: partitions.iter().map(|partition| partition.isr().len()).min().unwrap_or_default(),
    })
}

/// Whether the state's topic is there, as the contract says, and can be written.
pub(super) async fn topic(config: &ProducerConfig, cluster: Option<&Cluster>) -> Finding {
    let name = topic_name(config);
    let Some(cluster) = cluster else {
        return Check::Topic.warning(format!("{name} was not looked for: no broker answers"), "see brokers");
    };
    let Some(seen) = cluster.topic else {
        let remedy =
            "an operator creates it with `sanchar topics apply`, or lets this user Describe and Write it";
        return Check::Topic.failed(
            Cause::Service,
            format!("{name} is not there, or hidden from this user"),
            remedy,
        );
    };
    let least = min_in_sync(config, &name).await;
    judge_topic(&name, seen, cluster.brokers, least, Topic::Reported(config.state.code).spec().partitions)
}

/// `min.insync.replicas`, where this user may see it.
async fn min_in_sync(config: &ProducerConfig, topic: &str) -> Option<usize> {
    let client = config.kafka.client_config(CLIENT_ID).ok()?;
    let admin: AdminClient<DefaultClientContext> = client.create().ok()?;
    let options = AdminOptions::new().request_timeout(Some(ANSWER));
    let wanted = [ResourceSpecifier::Topic(topic)];
    let described = admin.describe_configs(&wanted, &options);
    let described = tokio::time::timeout(ANSWER, described).await.ok()?.ok()?;
    let resource = described.into_iter().next()?.ok()?;
    resource.get("min.insync.replicas")?.value.as_deref()?.parse().ok()
}

fn judge_topic(name: &str, seen: TopicSeen, brokers: usize, least: Option<usize>, contract: i32) -> Finding {
    let TopicSeen { partitions, leaderless, copies, in_sync } = seen;
    let least_text = least.map_or_else(
        || "min.insync.replicas is not shown to this user".to_owned(),
        |least| format!("min.insync.replicas is {least}"),
    );
    let text =
        format!("{name} has partitions: {partitions}, copies: {copies}, in sync: {in_sync}; {least_text}");
    if leaderless > 0 {
        let remedy = "rows of these partitions wait until a broker leads them: see which broker is down";
        return Check::Topic.failed(
            Cause::Service,
            format!("{text}; without a leader: {leaderless}"),
            remedy,
        );
    }
    if least.is_some_and(|least| in_sync < least) {
        let remedy = "writes wait until more copies are in sync: see which broker is down";
        return Check::Topic.failed(Cause::Service, text, remedy);
    }
    // A busy state's topic may have been given more.
    if usize::try_from(contract).is_ok_and(|contract| contract > partitions) {
        let remedy = format!(
            "the contract has {contract} partitions: an operator compares with `sanchar topics plan`"
        );
        return Check::Topic.warning(text, remedy);
    }
    if brokers > 1 && copies < 2 {
        return Check::Topic.warning(text, "one lost disk loses events: an operator adds copies");
    }
    Check::Topic.ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Status;

    #[test]
    fn a_topic_is_judged_by_leaders_copies_and_the_contract() {
        let good = TopicSeen { partitions: 2, leaderless: 0, copies: 3, in_sync: 3 };
        let failed = Status::Failed(Cause::Service);
        for (seen, brokers, least, status) in [
            (good, 3, Some(2), Status::Ok),
            (good, 3, None, Status::Ok),
            (TopicSeen { leaderless: 1, ..good }, 3, None, failed),
            (TopicSeen { in_sync: 1, ..good }, 3, Some(2), failed),
            (TopicSeen { partitions: 1, ..good }, 3, Some(2), Status::Warning),
            (TopicSeen { partitions: 5, ..good }, 3, Some(2), Status::Ok),
            (TopicSeen { copies: 1, in_sync: 1, ..good }, 3, Some(1), Status::Warning),
            (TopicSeen { copies: 1, in_sync: 1, ..good }, 1, Some(1), Status::Ok),
        ] {
            assert_eq!(
                judge_topic("t", seen, brokers, least, 2).status,
                status,
                "{seen:?} {brokers} {least:?}"
            );
        }
    }

    #[test]
    fn an_address_is_told_once() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let problem = |broker| runtime.block_on(connect(broker)).unwrap_err();
        // Nobody listens on the first port.
        assert!(problem("127.0.0.1:1").starts_with("cannot be connected to ("));
        assert!(problem("localhost:1").contains(" at "));
    }

    #[test]
    fn a_refused_log_in_is_the_configurations_and_a_dead_broker_the_services() {
        let dead = KafkaError::MetadataFetch(RDKafkaErrorCode::BrokerTransportFailure);
        let heard = Some((Some(RDKafkaErrorCode::Authentication), "SASL authentication error".to_owned()));
        let finding = refused(&dead, heard);
        assert_eq!(finding.status, Status::Failed(Cause::Configuration));
        assert!(finding.remedy.unwrap().contains("kafka.sasl_username"));
        assert_eq!(refused(&dead, None).status, Status::Failed(Cause::Service));
    }
}
