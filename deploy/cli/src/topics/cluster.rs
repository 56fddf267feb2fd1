//! Reads a cluster's topics and makes the changes that were found. The one place that talks to Kafka's admin API.

use std::collections::BTreeMap;
use std::time::Duration;

use rdkafka::admin::{
    AdminClient, AdminOptions, AlterConfig, ConfigEntry, ConfigResource, ConfigSource, NewPartitions,
    NewTopic, OwnedResourceSpecifier, ResourceSpecifier, TopicReplication,
};
use rdkafka::config::FromClientConfigAndContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};
use sanchar_runtime::kafka::{KafkaConfig, LogContext};
use sanchar_runtime::lifecycle::Failure;

use super::diff::{Change, Difference, Found, Problem, Wanted};

const TIMEOUT: Duration = Duration::from_secs(15);
const CLIENT_ID: &str = "sanchar-topics";

/// A cluster that the operator may change.
pub(crate) struct Admin {
    client: AdminClient<LogContext>,
    bootstrap: String,
}

/// The settings of one topic that were set for it, as opposed to inherited.
type Overrides = BTreeMap<String, String>;

impl Admin {
    pub(crate) fn new(kafka: &KafkaConfig) -> Result<Self, Failure> {
        let config = kafka.client_config(CLIENT_ID)?;
        let client = AdminClient::from_config_and_context(&config, LogContext::new(CLIENT_ID))
            .map_err(|error| Failure::internal(format!("cannot make a kafka client: {error}")))?;
        Ok(Self { client, bootstrap: kafka.bootstrap.clone() })
    }

    /// The topics of the cluster among `names`, with partitions, replication and the settings in force.
    pub(crate) async fn found(&self, wanted: &[Wanted]) -> Result<BTreeMap<String, Found>, Failure> {
        let metadata =
            self.client.inner().fetch_metadata(None, TIMEOUT).map_err(|error| self.unreachable(&error))?;
        let mut found = BTreeMap::new();
        for topic in
            metadata.topics().iter().filter(|topic| wanted.iter().any(|wanted| wanted.name == topic.name()))
        {
            let partitions = i32::try_from(topic.partitions().len()).unwrap_or(i32::MAX);
            let replicas = topic.partitions().iter().map(|partition| partition.replicas().len()).min();
            let replication = replicas.and_then(|count| i32::try_from(count).ok()).unwrap_or_default();
            let topic_found = Found { partitions, replication, config: BTreeMap::new() };
            found.insert(topic.name().to_owned(), topic_found);
        }
        for resource in self.describe(found.keys()).await? {
            if let OwnedResourceSpecifier::Topic(name) = &resource.specifier
                && let Some(topic) = found.get_mut(name)
            {
                topic.config = values(&resource, |_| true);
            }
        }
        Ok(found)
    }

    /// Makes every change that can be made. Gives, per topic, what went wrong.
    pub(crate) async fn apply(
        &self,
        wanted: &[Wanted],
        differences: &[Difference],
    ) -> Result<Vec<Problem>, Failure> {
        let mut problems = self.create(wanted, differences).await?;
        problems.extend(self.add_partitions(differences).await?);
        problems.extend(self.set_configs(differences).await?);
        Ok(problems)
    }

    /// Deletes topics. No command of an operator's does this.
    pub(crate) async fn delete(&self, topics: &[Wanted]) -> Result<Vec<Problem>, Failure> {
        let names: Vec<&str> = topics.iter().map(|topic| topic.name.as_str()).collect();
        let results =
            self.client.delete_topics(&names, &options()).await.map_err(|error| self.unreachable(&error))?;
        Ok(results.into_iter().filter_map(Result::err).map(|(topic, code)| problem(topic, code)).collect())
    }

    async fn create(&self, wanted: &[Wanted], differences: &[Difference]) -> Result<Vec<Problem>, Failure> {
        let missing = |topic: &&Wanted| {
            let is_create = |change: &Change| matches!(change, Change::Create { .. });
            differences.iter().any(|found| found.topic == topic.name && is_create(&found.change))
        };
        let topics: Vec<NewTopic<'_>> = wanted.iter().filter(missing).map(new_topic).collect();
        if topics.is_empty() {
            return Ok(Vec::new());
        }
        let results =
            self.client.create_topics(&topics, &options()).await.map_err(|error| self.unreachable(&error))?;
        // Somebody else was quicker: that is what was wanted, and the next plan tells if it differs.
        let failed =
            results.into_iter().filter_map(Result::err).filter(|(_, code)| *code != Code::TopicAlreadyExists);
        Ok(failed.map(|(topic, code)| problem(topic, code)).collect())
    }

    async fn add_partitions(&self, differences: &[Difference]) -> Result<Vec<Problem>, Failure> {
        let grown: Vec<NewPartitions<'_>> = differences
            .iter()
            .filter_map(|found| match found.change {
                Change::AddPartitions { to, .. } => {
                    Some(NewPartitions::new(&found.topic, usize::try_from(to).ok()?))
                }
                _ => None,
            })
            .collect();
        if grown.is_empty() {
            return Ok(Vec::new());
        }
        let results = self
            .client
            .create_partitions(&grown, &options())
            .await
            .map_err(|error| self.unreachable(&error))?;
        Ok(results.into_iter().filter_map(Result::err).map(|(topic, code)| problem(topic, code)).collect())
    }

    /// `AlterConfigs` replaces all of a topic's own settings, so those that it has are read first and sent along.
    async fn set_configs(&self, differences: &[Difference]) -> Result<Vec<Problem>, Failure> {
        let mut overrides: BTreeMap<String, Overrides> = BTreeMap::new();
        for found in differences {
            if let Change::SetConfig { key, to, .. } = &found.change {
                overrides.entry(found.topic.clone()).or_default().insert((*key).to_owned(), to.clone());
            }
        }
        for resource in self.describe(overrides.keys()).await? {
            if let OwnedResourceSpecifier::Topic(name) = &resource.specifier
                && let Some(changed) = overrides.get_mut(name)
            {
                for (key, value) in values(&resource, |entry| entry.source == ConfigSource::DynamicTopic) {
                    changed.entry(key).or_insert(value);
                }
            }
        }
        let altered: Vec<AlterConfig<'_>> =
            overrides.iter().map(|(name, settings)| alter(name, settings)).collect();
        if altered.is_empty() {
            return Ok(Vec::new());
        }
        let results = self
            .client
            .alter_configs(&altered, &options())
            .await
            .map_err(|error| self.unreachable(&error))?;
        let failed =
            results.into_iter().filter_map(Result::err).filter_map(|(resource, code)| match resource {
                OwnedResourceSpecifier::Topic(name) => Some(problem(name, code)),
                _ => None,
            });
        Ok(failed.collect())
    }

    async fn describe(&self, names: impl Iterator<Item = &String>) -> Result<Vec<ConfigResource>, Failure> {
        let resources: Vec<ResourceSpecifier<'_>> =
            names.map(|name| ResourceSpecifier::Topic(name)).collect();
        if resources.is_empty() {
            return Ok(Vec::new());
        }
        let described = self.client.describe_configs(&resources, &options()).await;
        let described = described.map_err(|error| self.unreachable(&error))?;
        let refused = |code| {
            let remedy = "this user needs DescribeConfigs on the topics";
            Failure::unavailable(format!("the cluster does not show a topic's settings ({code}): {remedy}"))
        };
        described.into_iter().collect::<Result<_, _>>().map_err(refused)
    }

    fn unreachable(&self, error: &KafkaError) -> Failure {
        Failure::unavailable(format!(
            "no answer from kafka at {} ({error}): check --kafka and that the brokers are up",
            self.bootstrap
        ))
    }
}

fn options() -> AdminOptions {
    AdminOptions::new().request_timeout(Some(TIMEOUT)).operation_timeout(Some(TIMEOUT))
}

fn new_topic(topic: &Wanted) -> NewTopic<'_> {
    let new = NewTopic::new(&topic.name, topic.partitions, TopicReplication::Fixed(topic.replication));
    topic.config.iter().fold(new, |new, (key, value)| new.set(key, value))
}

fn alter<'a>(name: &'a str, settings: &'a Overrides) -> AlterConfig<'a> {
    let alter = AlterConfig::new(ResourceSpecifier::Topic(name));
    settings.iter().fold(alter, |alter, (key, value)| alter.set(key, value))
}

fn values(resource: &ConfigResource, kept: impl Fn(&ConfigEntry) -> bool) -> BTreeMap<String, String> {
    let entries = resource.entries.iter().filter(|entry| kept(entry));
    entries.filter_map(|entry| Some((entry.name.clone(), entry.value.clone()?))).collect()
}

fn problem(topic: String, code: Code) -> Problem {
    let reason = match code {
        Code::InvalidReplicationFactor => {
            "the cluster has fewer brokers than copies; pass --replication-factor".to_owned()
        }
        Code::TopicAuthorizationFailed | Code::ClusterAuthorizationFailed => {
            "this user may not; it needs Create, Alter and AlterConfigs".to_owned()
        }
        other => other.to_string(),
    };
    Problem { topic, reason }
}
