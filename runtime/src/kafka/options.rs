//! Which librdkafka settings an operator may tune, and why the others are refused.
//!
//! An allow-list: a setting that is not known to leave every guarantee intact is refused, with the reason. Values are
//! checked by librdkafka itself.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, de};

use crate::config::{ConfigError, closest};

/// Settings that change speed, memory, time limits or noise, and nothing else.
const TUNABLE: &[&str] = &[
    // every client
    "broker.address.family",
    "broker.address.ttl",
    "client.dns.lookup",
    "client.rack",
    "connections.max.idle.ms",
    "debug",
    "enable.metrics.push",
    "message.max.bytes",
    "metadata.max.age.ms",
    "receive.message.max.bytes",
    "reconnect.backoff.max.ms",
    "reconnect.backoff.ms",
    "request.timeout.ms",
    "retry.backoff.max.ms",
    "retry.backoff.ms",
    "socket.connection.setup.timeout.ms",
    "socket.keepalive.enable",
    "socket.nagle.disable",
    "socket.receive.buffer.bytes",
    "socket.send.buffer.bytes",
    "socket.timeout.ms",
    "statistics.interval.ms",
    "topic.metadata.refresh.interval.ms",
    // producers
    "batch.num.messages",
    "batch.size",
    "compression.level",
    "compression.type",
    "delivery.timeout.ms",
    "linger.ms",
    "queue.buffering.max.kbytes",
    "queue.buffering.max.messages",
    "sticky.partitioning.linger.ms",
    // consumers
    "check.crcs",
    "fetch.error.backoff.ms",
    "fetch.max.bytes",
    "fetch.min.bytes",
    "fetch.queue.backoff.ms",
    "fetch.wait.max.ms",
    "heartbeat.interval.ms",
    "max.partition.fetch.bytes",
    "max.poll.interval.ms",
    "queued.max.messages.kbytes",
    "queued.min.messages",
    "session.timeout.ms",
];

/// Settings that the programs own, by the beginning of their names, and the reason that is shown.
const OWNED: &[(&str, &str)] = &[
    ("acks", EXACTLY_ONCE),
    ("request.required.acks", EXACTLY_ONCE),
    ("enable.idempotence", EXACTLY_ONCE),
    ("enable.gapless.guarantee", EXACTLY_ONCE),
    ("transactional.id", EXACTLY_ONCE),
    ("transaction.timeout.ms", EXACTLY_ONCE),
    ("isolation.level", EXACTLY_ONCE),
    ("max.in.flight", "one case's events keep their order because of it"),
    ("partitioner", "one case's events reach one partition because every client computes the same one"),
    ("enable.auto.commit", OFFSETS),
    ("enable.auto.offset.store", OFFSETS),
    ("auto.commit", OFFSETS),
    ("auto.offset.reset", OFFSETS),
    ("offset.store", OFFSETS),
    ("group.", "the daemon runs its consumer group itself"),
    ("partition.assignment.strategy", "the daemon runs its consumer group itself"),
    ("allow.auto.create.topics", "topics are created from the contract, never by a spelling mistake"),
    ("bootstrap.servers", "use kafka.bootstrap"),
    ("metadata.broker.list", "use kafka.bootstrap"),
    ("client.id", "the daemon names its clients itself"),
    ("log_level", "use logs.level"),
    ("security.", SECURITY),
    ("ssl", SECURITY),
    ("enable.ssl", SECURITY),
    ("https.", SECURITY),
    ("sasl", SECURITY),
    ("enable.sasl", SECURITY),
    ("plugin.", "no foreign code is loaded into a daemon"),
];

const EXACTLY_ONCE: &str = "exactly-once delivery depends on it";
const OFFSETS: &str = "offsets are kept inside the transaction, and nothing is skipped";
const SECURITY: &str = "use kafka.security_protocol, the *_file keys and the sasl_* keys";

/// Refuses every setting outside the list.
pub(super) fn check(options: &BTreeMap<String, String>) -> Result<(), ConfigError> {
    match first_refused(options) {
        Some((key, reason)) => Err(ConfigError::field(format!("kafka.options.\"{key}\""), reason)),
        None => Ok(()),
    }
}

/// Reads the table, so that a refused setting is reported with its place in the file.
pub(super) fn deserialize<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<String, String>, D::Error> {
    let given = BTreeMap::<String, OptionValue>::deserialize(deserializer)?;
    let options = given.into_iter().map(|(key, value)| (key, value.0)).collect();
    match first_refused(&options) {
        Some((key, reason)) => Err(de::Error::custom(format!("\"{key}\" {reason}"))),
        None => Ok(options),
    }
}

fn first_refused(options: &BTreeMap<String, String>) -> Option<(&str, String)> {
    options.keys().find_map(|key| Some((key.as_str(), refusal(key)?)))
}

fn refusal(key: &str) -> Option<String> {
    if TUNABLE.contains(&key) {
        return None;
    }
    if let Some((_, reason)) = OWNED.iter().find(|(start, _)| key.starts_with(start)) {
        return Some(format!("cannot be set here: {reason}"));
    }
    Some(match closest(key, TUNABLE) {
        Some(name) => format!("is not a setting that can be tuned: did you mean \"{name}\"?"),
        None => "is not among the settings that can be tuned: remove it".to_owned(),
    })
}

/// librdkafka takes every value as text; TOML writers may leave the quotes away.
struct OptionValue(String);

impl<'de> Deserialize<'de> for OptionValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OptionVisitor)
    }
}

struct OptionVisitor;

impl de::Visitor<'_> for OptionVisitor {
    type Value = OptionValue;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a string, a number, true or false")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<OptionValue, E> {
        Ok(OptionValue(text.to_owned()))
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<OptionValue, E> {
        Ok(OptionValue(value.to_string()))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<OptionValue, E> {
        Ok(OptionValue(value.to_string()))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<OptionValue, E> {
        Ok(OptionValue(value.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_programs_own_is_refused_with_the_reason() {
        for (key, part) in [
            ("acks", "exactly-once"),
            ("enable.idempotence", "exactly-once"),
            ("transactional.id", "exactly-once"),
            ("isolation.level", "exactly-once"),
            ("enable.auto.commit", "offsets"),
            ("enable.auto.offset.store", "offsets"),
            ("group.id", "consumer group"),
            ("group.instance.id", "consumer group"),
            ("partition.assignment.strategy", "consumer group"),
            ("bootstrap.servers", "kafka.bootstrap"),
            ("security.protocol", "kafka.security_protocol"),
            ("ssl.key.password", "kafka.security_protocol"),
            ("sasl.password", "sasl_*"),
            ("enable.ssl.certificate.verification", "kafka.security_protocol"),
        ] {
            let reason = refusal(key).unwrap();
            assert!(reason.starts_with("cannot be set here: ") && reason.contains(part), "{key}: {reason}");
        }
    }

    #[test]
    fn an_unknown_setting_is_refused_and_a_near_one_suggested() {
        assert!(refusal("linger.msec").unwrap().contains("did you mean \"linger.ms\"?"));
        assert!(refusal("sensor.depth").unwrap().contains("remove it"));
    }

    #[test]
    fn no_tunable_setting_is_also_owned() {
        for key in TUNABLE {
            assert!(!OWNED.iter().any(|(start, _)| key.starts_with(start)), "{key}");
        }
    }

    #[test]
    fn every_tunable_setting_exists() {
        let mut config = rdkafka::ClientConfig::new();
        for key in TUNABLE {
            config.set(*key, "no such value");
            let error = config.create_native_config().err();
            assert!(!format!("{error:?}").contains("No such configuration property"), "{key}: {error:?}");
            config.remove(key);
        }
    }
}
