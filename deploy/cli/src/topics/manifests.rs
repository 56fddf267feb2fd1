//! `sanchar topics manifests`: the contract's topics and users as resources of Strimzi, for clusters that run on Kubernetes.
//!
//! There the operators of Strimzi create topics and access rules, so this prints what they should know and talks to no
//! cluster. `deploy/kubernetes` holds what it prints without options; a test keeps that so. The resources' fields are
//! those of `kafka.strimzi.io/v1`.

mod users;

use std::io::Write;

use clap::ValueEnum;
use sanchar_schemas::topics::TopicSpace;

use super::Shape;
use super::diff::Wanted;
use crate::outcome::{Outcome, Stop};
use users::{Rule, User};

const API: &str = "kafka.strimzi.io/v1";

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// What to print
    #[arg(value_name = "WHAT")]
    what: What,
    /// Name of the `Kafka` resource that they belong to
    #[arg(long, value_name = "NAME", default_value = "sanchar")]
    cluster: String,
    /// What stands in front of every topic name, where several installations share a cluster
    #[arg(long, value_name = "PREFIX", default_value = "")]
    prefix: String,
    #[command(flatten)]
    shape: Shape,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum What {
    /// A `KafkaTopic` for each topic
    Topics,
    /// A `KafkaUser` for each daemon, inbox, for operations and the exporter, with the access that `topics.toml` gives it
    Users,
}

pub(super) fn run(args: &Args, out: &mut dyn Write) -> Result<Outcome, Stop> {
    let space = TopicSpace::new(&args.prefix);
    writeln!(out, "# Made from schemas/topics.toml by `sanchar topics manifests`: change that, not this.")?;
    match args.what {
        What::Topics => {
            for wanted in args.shape.wanted(&space)? {
                topic(&wanted, &args.cluster, out)?;
            }
        }
        What::Users => {
            for user in User::all(&args.shape.states()) {
                let (name, rules) = (user.name(&args.prefix), user.rules(&space, &args.prefix));
                access(&name, &rules, &args.cluster, out)?;
            }
        }
    }
    Ok(Outcome::Done)
}

fn head(kind: &str, name: &str, cluster: &str, out: &mut dyn Write) -> Result<(), Stop> {
    let resource = resource_name(name);
    write!(out, "---\napiVersion: {API}\nkind: {kind}\nmetadata:\n  name: {resource}\n")?;
    writeln!(out, "  labels:\n    strimzi.io/cluster: {cluster}\nspec:")?;
    Ok(())
}

fn topic(wanted: &Wanted, cluster: &str, out: &mut dyn Write) -> Result<(), Stop> {
    let Wanted { name, partitions, replication, config, .. } = wanted;
    head("KafkaTopic", name, cluster, out)?;
    if resource_name(name) != *name {
        writeln!(out, "  topicName: {name}")?;
    }
    writeln!(out, "  partitions: {partitions}\n  replicas: {replication}\n  config:")?;
    for (key, value) in config {
        writeln!(out, "    {key}: {value}")?;
    }
    Ok(())
}

fn access(name: &str, rules: &[Rule], cluster: &str, out: &mut dyn Write) -> Result<(), Stop> {
    head("KafkaUser", name, cluster, out)?;
    if resource_name(name) != name {
        writeln!(out, "  userName: {name}")?;
    }
    writeln!(out, "  authentication:\n    type: scram-sha-512")?;
    writeln!(out, "  authorization:\n    type: simple\n    acls:")?;
    for Rule { kind, name, pattern, operations } in rules {
        writeln!(out, "      - resource:\n          type: {kind}")?;
        writeln!(out, "          name: \"{name}\"\n          patternType: {pattern}")?;
        writeln!(out, "        operations: [{}]", operations.join(", "))?;
    }
    Ok(())
}

/// Kubernetes takes small letters, digits, `-` and `.` in a name, and Kafka more than that.
fn resource_name(name: &str) -> String {
    name.to_lowercase().replace('_', "-")
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser as _;
    use std::path::Path;

    #[derive(Debug, clap::Parser)]
    struct Line {
        #[command(flatten)]
        args: Args,
    }

    fn printed(words: &[&str]) -> String {
        let line = Line::try_parse_from([&["manifests"], words].concat()).unwrap();
        let mut out = Vec::new();
        run(&line.args, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn the_files_of_the_repository_are_what_it_prints() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("kubernetes");
        for what in ["topics", "users"] {
            let file = folder.join(format!("{what}.yaml"));
            let kept = std::fs::read_to_string(&file).unwrap_or_default();
            assert!(
                kept == printed(&[what]),
                "{} is not current: write it with `sanchar topics manifests {what}`",
                file.display()
            );
        }
    }

    #[test]
    fn a_topic_has_the_settings_of_the_contract() {
        let text = printed(&["topics", "--states", "GA", "--cluster", "k", "--replication-factor", "1"]);
        let goa = "\
---
apiVersion: kafka.strimzi.io/v1
kind: KafkaTopic
metadata:
  name: crime.shared.in-ga
  labels:
    strimzi.io/cluster: k
spec:
  partitions: 1
  replicas: 1
  config:
    cleanup.policy: delete
    max.message.bytes: 1310720
    min.insync.replicas: 1
    retention.ms: 2592000000
";
        assert!(text.contains(goa), "{text}");
        assert_eq!(text.matches("kind: KafkaTopic").count(), 5);
    }

    #[test]
    fn a_name_that_kubernetes_refuses_is_given_beside_one_that_it_takes() {
        let text = printed(&["topics", "--states", "GA", "--prefix", "Drill_1"]);
        assert!(text.contains("  name: drill-1.crime.dlq\n"), "{text}");
        assert!(text.contains("  topicName: Drill_1.crime.dlq\n"), "{text}");
        let text = printed(&["users", "--states", "GA", "--prefix", "Drill_1"]);
        assert!(text.contains("  userName: Drill_1.sanchar-inbox-in-ga\n"), "{text}");
    }
}
