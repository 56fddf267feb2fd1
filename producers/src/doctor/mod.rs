//! `doctor`: looks at everything that the daemon needs, one check after another, and says what to do about each that fails.
//!
//! A check reads and changes nothing, has a time limit, and does not stop those behind it. It tells what it saw; it never shows a row.

mod brokers;
mod finding;
mod machine;
mod registry;
mod rows;
mod writing;

use std::future::Future;
use std::path::Path;
use std::time::Duration;

use sanchar_runtime::clock;
use sanchar_runtime::config;
use sanchar_runtime::lifecycle::DaemonConfig as _;
use sanchar_runtime::secret::{Exposed, exposed};

use crate::config::ProducerConfig;
pub use finding::{Cause, Check, Diagnosis, Finding, Status};

/// What it does besides looking, and how long it waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attempts {
    /// Try whether the user may write to the topic.
    pub writing: bool,
    /// The longest that one check may take. Default 15 s.
    pub patience: Duration,
}

impl Default for Attempts {
    fn default() -> Self {
        Self { writing: false, patience: Duration::from_secs(15) }
    }
}

/// Looks at what the configuration at `path` needs. `begins` is told of each check before it.
pub async fn diagnose(path: &Path, attempts: Attempts, begins: &mut (dyn FnMut(Check) + Send)) -> Diagnosis {
    let mut doctor = Doctor { findings: Vec::new(), begins, patience: attempts.patience };
    if let Some(config) = doctor.configuration(path) {
        let config = doctor.withholding(config);
        doctor.secrets(&config, path);
        doctor.machine(&config).await;
        doctor.rows(&config).await;
        doctor.brokers(&config, attempts).await;
        doctor.registry(&config).await;
    }
    Diagnosis { findings: doctor.findings }
}

struct Doctor<'b> {
    findings: Vec<Finding>,
    begins: &'b mut (dyn FnMut(Check) + Send),
    patience: Duration,
}

impl Doctor<'_> {
    /// `None` where there is nothing to look at further.
    fn configuration(&mut self, path: &Path) -> Option<ProducerConfig> {
        (self.begins)(Check::Configuration);
        let loaded = config::load::<ProducerConfig>(path).map(|config| config.in_folder_of(path));
        let (config, problem) = match loaded {
            Ok(config) => {
                let problem = config.logs.check().and_then(|()| config.check()).err();
                (Some(config), problem)
            }
            Err(error) => (None, Some(error)),
        };
        self.findings.push(match problem {
            None => Check::Configuration.ok(format!("{} is valid", path.display())),
            // The message says the remedy.
            Some(error) => Check::Configuration.refused(Cause::Configuration, error),
        });
        config
    }

    /// The configuration with the rules of its policy file, where that can be read.
    fn withholding(&mut self, config: ProducerConfig) -> ProducerConfig {
        (self.begins)(Check::Withholding);
        match config.clone().with_policy() {
            Ok(config) => {
                let table = &config.withholding;
                let own = table.rules.len();
                let policy = table.policy.as_ref().map(|path| format!(" from {}", path.display()));
                let text = format!(
                    "the law's {} rules, {own} of the state's own{}, {} lifted; what only some may see is {}",
                    crate::withholding::law().len(),
                    policy.unwrap_or_default(),
                    table.lifted.len(),
                    table.restricted().for_people(),
                );
                self.findings.push(Check::Withholding.ok(text));
                config
            }
            Err(error) => {
                self.findings.push(Check::Withholding.refused(Cause::Configuration, error));
                config
            }
        }
    }

    fn secrets(&mut self, config: &ProducerConfig, path: &Path) {
        (self.begins)(Check::Secrets);
        self.findings.push(match exposed(config, path) {
            Ok(exposed) if exposed.is_empty() => {
                Check::Secrets.ok("none is open to every user of this machine")
            }
            Ok(exposed) => {
                let all =
                    |said: fn(&Exposed) -> String| exposed.iter().map(said).collect::<Vec<_>>().join("; ");
                Check::Secrets.warning(all(Exposed::problem), all(Exposed::remedy))
            }
            Err(error) => Check::Secrets.refused(Cause::Configuration, error),
        });
    }

    async fn machine(&mut self, config: &ProducerConfig) {
        self.look(Check::Store, machine::store(config)).await;
        self.look(Check::Disk, blocking(config, |config| machine::disk(&config))).await;
        self.look(Check::Listen, machine::listen(config)).await;
    }

    async fn rows(&mut self, config: &ProducerConfig) {
        self.look(Check::Source, blocking(config, |config| rows::source(&config))).await;
        self.look(Check::Mapping, blocking(config, |config| rows::sample(&config, clock::now_ms()))).await;
    }

    async fn brokers(&mut self, config: &ProducerConfig, attempts: Attempts) {
        self.look(Check::Addresses, brokers::addresses(config)).await;
        let mut cluster = None;
        let look = async {
            let (finding, seen) = brokers::cluster(config).await;
            cluster = seen;
            finding
        };
        self.look(Check::Brokers, look).await;
        self.look(Check::Topic, brokers::topic(config, cluster.as_ref())).await;
        if attempts.writing {
            self.look(Check::Writing, writing::attempt(config, cluster.as_ref())).await;
        }
    }

    async fn registry(&mut self, config: &ProducerConfig) {
        let (mut date, mut client) = (None, None);
        let look = async {
            let (finding, seen) = registry::greeting(config, &mut client).await;
            date = seen;
            finding
        };
        self.look(Check::Registry, look).await;
        self.look(Check::Schema, registry::schema(client)).await;
        self.look(Check::Clock, async { registry::clock(date) }).await;
    }

    async fn look(&mut self, check: Check, look: impl Future<Output = Finding>) {
        (self.begins)(check);
        let found = tokio::time::timeout(self.patience, look).await;
        self.findings.push(found.unwrap_or_else(|_| {
            let seen = format!("gave no answer in {} s", self.patience.as_secs());
            check.failed(
                Cause::Service,
                seen,
                "see whether the network or a network disk hangs, then try again",
            )
        }));
    }
}

/// Runs a check that blocks on a thread of its own.
async fn blocking(
    config: &ProducerConfig,
    look: impl FnOnce(ProducerConfig) -> Finding + Send + 'static,
) -> Finding {
    let config = config.clone();
    let found = tokio::task::spawn_blocking(move || look(config)).await;
    found.unwrap_or_else(|error| {
        let seen = format!("a check has ended early: {error}");
        Check::Configuration.failed(Cause::Machine, seen, "please report it")
    })
}
