//! One test's own Sanchar on the shared cluster: topics under a prefix of their own, schemas, configuration
//! files, a folder.

use crate::cluster::Cluster;
use crate::daemon::{Daemon, wait_for};
use anyhow::{Result, ensure};
use rdkafka::admin::{AdminClient, AdminOptions, NewPartitions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::metadata::MetadataTopic;
use sanchar_runtime::registry::{RegistryClient, RegistryConfig, SchemaId};
use sanchar_schemas::schema::Record;
use sanchar_schemas::topics::{Topic, TopicSpace};
use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tempfile::TempDir;

static NEXT: AtomicU32 = AtomicU32::new(0);

/// An installation that nobody else sees.
#[derive(Debug)]
pub struct Installation {
    /// Services it runs on.
    pub cluster: Cluster,
    /// Its topics.
    pub topics: TopicSpace,
    /// Prefix of its topics.
    pub prefix: String,
    /// Id of the schema of reported events.
    pub event_schema: SchemaId,
    /// The registry.
    pub registry: RegistryClient,
    folder: TempDir,
    /// Partitions of topics that were given more than the contract says.
    grown: Mutex<HashMap<Topic, i32>>,
}

impl Installation {
    /// Creates topics and registers schemas on the services of this run.
    ///
    /// # Errors
    /// When a service does not answer or refuses.
    pub async fn new(name: &str) -> Result<Self> {
        Self::on(Cluster::of_this_run()?, name).await
    }

    /// As [`Installation::new`], on other services.
    ///
    /// # Errors
    /// As [`Installation::new`].
    pub async fn on(cluster: Cluster, name: &str) -> Result<Self> {
        let prefix = format!("{name}-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let topics = TopicSpace::new(&prefix);
        create_topics(&cluster, &topics).await?;
        let registry = RegistryConfig { url: cluster.registry.clone(), ..RegistryConfig::default() };
        let registry = RegistryClient::new(&registry)?;
        for record in Record::ALL {
            registry.register(record.subject(), &record.latest().text).await?;
        }
        let event = Record::CrimeEvent;
        let event_schema = registry.id_of(event.subject(), &event.latest().text).await?;
        let folder = TempDir::new()?;
        Ok(Self { cluster, topics, prefix, event_schema, registry, folder, grown: Mutex::default() })
    }

    /// Gives a topic more partitions, as an operator does with Kafka's own tool, and waits until the brokers know them.
    ///
    /// # Errors
    /// When the brokers refuse.
    pub async fn grow(&self, topic: Topic, partitions: i32) -> Result<()> {
        let (name, count) = (self.topic(topic), usize::try_from(partitions)?);
        let admin: AdminClient<DefaultClientContext> = self.cluster.client().create()?;
        for result in admin.create_partitions([&NewPartitions::new(&name, count)], &patient()).await? {
            ensure!(result.is_ok(), "a topic was not given partitions: {result:?}");
        }
        // A client that learned of the partitions before the brokers did would find its records refused.
        wait_for("the brokers to know the new partitions", || {
            let metadata = admin.inner().fetch_metadata(Some(&name), Duration::from_secs(10))?;
            Ok(metadata.topics().iter().any(|topic| topic.partitions().len() == count).then_some(()))
        })?;
        self.grown.lock().unwrap_or_else(PoisonError::into_inner).insert(topic, partitions);
        Ok(())
    }

    /// How many partitions a topic has.
    #[must_use]
    pub fn partitions(&self, topic: Topic) -> i32 {
        let grown = self.grown.lock().unwrap_or_else(PoisonError::into_inner);
        grown.get(&topic).copied().unwrap_or(topic.spec().partitions)
    }

    /// Removes its topics, where the cluster is to serve many installations more.
    ///
    /// # Errors
    /// When the brokers refuse.
    pub async fn remove_topics(&self) -> Result<()> {
        let admin: AdminClient<DefaultClientContext> = self.cluster.client().create()?;
        let names: Vec<String> = Topic::all().map(|topic| self.topic(topic)).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        for result in admin.delete_topics(&names, &patient()).await? {
            ensure!(result.is_ok(), "a topic was not removed: {result:?}");
        }
        Ok(())
    }

    /// Name of a topic on the cluster.
    #[must_use]
    pub fn topic(&self, topic: Topic) -> String {
        self.topics.name(topic)
    }

    /// The test's folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Writes a file into the test's folder.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, name: &str, text: &str) -> Result<PathBuf> {
        let path = self.folder().join(name);
        std::fs::write(&path, text)?;
        Ok(path)
    }

    /// The `[kafka]` and `[registry]` tables and a free port, common to all daemons.
    #[must_use]
    pub fn services_toml(&self) -> String {
        self.services_toml_with(&self.cluster.kafka)
    }

    fn services_toml_with(&self, kafka: &str) -> String {
        let registry = &self.cluster.registry;
        let prefix = &self.prefix;
        format!(
            "[kafka]\nbootstrap = \"{kafka}\"\ntopic_prefix = \"{prefix}\"\n\n\
             [registry]\nurl = \"{registry}\"\n\n[http]\nlisten = \"127.0.0.1:0\"\n\n[logs]\nformat = \"json\"\n"
        )
    }

    /// Copies an example of `deploy/examples` with its data into the test's folder, set to run on these services.
    /// `change` may change more of it. Gives the configuration file.
    ///
    /// # Errors
    /// When it cannot be read, understood or written.
    pub fn example(&self, name: &str, change: impl FnOnce(&mut toml::Table)) -> Result<PathBuf> {
        let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/examples");
        let data = self.folder().join("data");
        std::fs::create_dir_all(&data)?;
        for entry in std::fs::read_dir(examples.join("data"))? {
            let entry = entry?;
            let copy = data.join(entry.file_name());
            if !copy.exists() {
                std::fs::copy(entry.path(), copy)?;
            }
        }
        let mut config: toml::Table = toml::from_str(&std::fs::read_to_string(examples.join(name))?)?;
        config.extend(toml::from_str::<toml::Table>(&self.services_toml())?);
        change(&mut config);
        self.write(name, &toml::to_string(&config)?)
    }

    /// Name of the fan-out's consumer group.
    #[must_use]
    pub fn group(&self) -> String {
        format!("{}.sanchar-fanout", self.prefix)
    }

    /// Folder of an instance's register.
    #[must_use]
    pub fn register_of(&self, instance: &str) -> PathBuf {
        self.folder().join(format!("{instance}.register"))
    }

    /// The tables of a fan-out instance's configuration file.
    #[must_use]
    pub fn fanout_toml(&self, instance: &str) -> String {
        self.fanout_toml_with(&self.cluster.kafka, instance)
    }

    fn fanout_toml_with(&self, kafka: &str, instance: &str) -> String {
        let register = self.register_of(instance);
        format!("{}\n[register]\nfolder = \"{}\"\n", self.services_toml_with(kafka), register.display())
    }

    /// Starts a fan-out instance. `more` is TOML put in front of the tables.
    ///
    /// # Errors
    /// When the process cannot be started.
    pub fn fanout(&self, instance: &str, more: &str) -> Result<Daemon> {
        self.fanout_behind(&self.cluster.kafka, instance, more)
    }

    /// As [`Installation::fanout`], but it finds the brokers at `kafka`, and the test's own clients where they are.
    ///
    /// # Errors
    /// As [`Installation::fanout`].
    pub fn fanout_behind(&self, kafka: &str, instance: &str, more: &str) -> Result<Daemon> {
        let config = self.fanout_config(kafka, instance, more)?;
        Daemon::start("sanchar-fanout", &["-c".as_ref(), config.as_os_str()], self.folder())
    }

    /// Writes the configuration file of such an instance; its last table is `[register]`.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn fanout_config(&self, kafka: &str, instance: &str, more: &str) -> Result<PathBuf> {
        let tables = self.fanout_toml_with(kafka, instance);
        self.write(&format!("{instance}.toml"), &format!("instance_id = \"{instance}\"\n{more}\n{tables}"))
    }
}

async fn create_topics(cluster: &Cluster, topics: &TopicSpace) -> Result<()> {
    let admin: AdminClient<DefaultClientContext> = cluster.client().create()?;
    let named: Vec<(String, String, Topic)> = Topic::all()
        .map(|topic| (topics.name(topic), topic.spec().max_message_bytes.to_string(), topic))
        .collect();
    let wanted: Vec<NewTopic<'_>> = named
        .iter()
        .map(|(name, bytes, topic)| {
            let spec = topic.spec();
            NewTopic::new(name, spec.partitions, TopicReplication::Fixed(cluster.replication()))
                .set("cleanup.policy", &spec.cleanup)
                .set("max.message.bytes", bytes)
        })
        .collect();
    for result in admin.create_topics(&wanted, &patient()).await? {
        ensure!(result.is_ok(), "a topic was not created: {result:?}");
    }
    // The controller has decided so; a daemon that asks a broker before that has heard of it finds none.
    wait_for("the brokers to know the topics", || {
        let metadata = admin.inner().fetch_metadata(None, Duration::from_secs(30))?;
        let known: BTreeSet<&str> = metadata.topics().iter().map(MetadataTopic::name).collect();
        Ok(named.iter().all(|(name, ..)| known.contains(name.as_str())).then_some(()))
    })
}

fn patient() -> AdminOptions {
    AdminOptions::new().operation_timeout(Some(Duration::from_secs(30)))
}
