//! The schema registry: does it answer this user, does it hold the schema, and does its clock agree with ours?

use jiff::fmt::rfc2822;
use sanchar_runtime::clock;
use sanchar_runtime::registry::{RegistryClient, RegistryError};
use sanchar_schemas::schema::Record;

use super::finding::{Cause, Check, Finding};
use crate::config::ProducerConfig;

/// What a registry's `Date` header is exact to, in milliseconds (RFC 9110, section 5.6.7).
const RESOLUTION_MS: i64 = 1_000;
/// A difference that is worth a look, in milliseconds.
const WARN_MS: i64 = 2_000;
/// A difference that makes times of reading and TLS certificates doubtful, in milliseconds.
const FAIL_MS: i64 = 60_000;

/// A registry's time, and ours before and after it was asked, in milliseconds since 1970.
#[derive(Debug, Clone, Copy)]
pub(super) struct Dated {
    there_ms: i64,
    before_ms: i64,
    after_ms: i64,
}

/// Whether the registry answers this user, and when it says that it is. Keeps the client.
pub(super) async fn greeting(
    config: &ProducerConfig,
    kept: &mut Option<RegistryClient>,
) -> (Finding, Option<Dated>) {
    let client = match RegistryClient::new(&config.registry) {
        // Making one reads all of the system's certificates, which takes its time.
        Ok(client) => kept.insert(client),
        Err(error) => return (Check::Registry.refused(Cause::Configuration, error), None),
    };
    let before_ms = clock::now_ms();
    let greeting = match client.greet().await {
        Ok(greeting) => greeting,
        Err(error) => return (Check::Registry.refused(Cause::Service, error), None),
    };
    let after_ms = clock::now_ms();
    let there = greeting.date.as_deref().and_then(|date| rfc2822::parse(date).ok());
    let dated =
        there.map(|there| Dated { there_ms: there.timestamp().as_millisecond(), before_ms, after_ms });
    let url = &config.registry.url;
    let finding = match greeting.status {
        200 => Check::Registry.ok(format!("{url} answers this user")),
        status @ (401 | 403) => Check::Registry.failed(
            Cause::Configuration,
            format!("{url} refuses the log-in (http status {status})"),
            "check registry.username and its password, or registry.token, and what the registry lets them read",
        ),
        status => Check::Registry.failed(
            Cause::Service,
            format!("{url} does not answer as a schema registry does (http status {status})"),
            "see whether registry.url ends where its Confluent API begins, as in /apis/ccompat/v7",
        ),
    };
    (finding, dated)
}

/// Whether the registry holds the schema of this release, and under which id.
pub(super) async fn schema(client: Option<RegistryClient>) -> Finding {
    let Some(client) = client else {
        return Check::Schema.warning("was not looked for: registry.url cannot be used", "see registry");
    };
    let release = Record::CrimeEvent.latest();
    let subject = Record::CrimeEvent.subject();
    let version = release.version;
    match client.id_of(subject, &release.text).await {
        Ok(id) => Check::Schema.ok(format!("version {version} of {subject} is there with id {id}")),
        Err(RegistryError::Unavailable { .. }) => Check::Schema.warning(
            format!("version {version} of {subject} was not found out about: the registry gives no answer"),
            "see registry",
        ),
        Err(RegistryError::NotFound { .. }) => Check::Schema.failed(
            Cause::Service,
            format!("version {version} of {subject} is not in the registry"),
            "an operator registers it with `sanchar schemas register`",
        ),
        Err(error) => Check::Schema.refused(Cause::Service, error),
    }
}

/// Whether this machine's clock agrees with the registry's: Kafka's clients are told no time.
pub(super) fn clock(dated: Option<Dated>) -> Finding {
    let Some(Dated { there_ms, before_ms, after_ms }) = dated else {
        let remedy = "see registry, and whether this machine's clock is kept by NTP";
        return Check::Clock.warning("was not compared: the registry tells no time", remedy);
    };
    // The header's second began at `there_ms`, and the answer was made between our two looks.
    let ahead_ms = (before_ms - (there_ms + RESOLUTION_MS)).max(0);
    let behind_ms = (there_ms - after_ms).max(0);
    let (differs_ms, how) = if behind_ms > 0 { (behind_ms, "behind") } else { (ahead_ms, "ahead of") };
    let seen = if differs_ms == 0 {
        "this machine's clock agrees with the registry's to its resolution of 1 s".to_owned()
    } else {
        format!("this machine's clock is at least {} s {how} the registry's", seconds(differs_ms))
    };
    let remedy = "keep both machines' clocks by NTP (CERT-In: that of NIC or NPL): see `timedatectl`";
    if differs_ms > FAIL_MS {
        Check::Clock.failed(Cause::Machine, seen, remedy)
    } else if differs_ms > WARN_MS {
        Check::Clock.warning(seen, remedy)
    } else {
        Check::Clock.ok(seen)
    }
}

/// Milliseconds as seconds with one digit.
fn seconds(ms: i64) -> String {
    format!("{}.{}", ms / 1_000, ms % 1_000 / 100)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Status;

    #[test]
    fn clocks_are_compared_to_the_second_that_the_header_has() {
        let compare = |ours_ms: i64| {
            clock(Some(Dated { there_ms: 1_000_000, before_ms: ours_ms, after_ms: ours_ms + 20 }))
        };
        for (ours_ms, status, part) in [
            (1_000_000, Status::Ok, "agrees"),
            (1_000_999, Status::Ok, "agrees"),
            (1_002_900, Status::Ok, "1.9 s ahead of"),
            (1_003_100, Status::Warning, "2.1 s ahead of"),
            (997_000, Status::Warning, "2.9 s behind"),
            (939_000, Status::Failed(Cause::Machine), "60.9 s behind"),
            (1_900_000, Status::Failed(Cause::Machine), "899.0 s ahead of"),
        ] {
            let finding = compare(ours_ms);
            assert_eq!(finding.status, status, "{ours_ms}: {}", finding.seen);
            assert!(finding.seen.contains(part), "{ours_ms}: {}", finding.seen);
        }
        assert_eq!(clock(None).status, Status::Warning);
    }
}
