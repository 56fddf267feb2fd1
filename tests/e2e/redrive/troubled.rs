//! What a redrive makes of letters that the brokers refuse, of receipts that nobody can read, and of brokers that say
//! nothing: all others are sent, and people are told.

use super::{Answered, delhi, dlq, sums, words};
use anyhow::{Result, ensure};
use rdkafka::admin::{AdminClient, AdminOptions, AlterConfig, ResourceSpecifier};
use rdkafka::client::DefaultClientContext;
use sanchar_schemas::headers;
use sanchar_schemas::topics::Topic;
use sanchar_tests::chance::Chance;
use sanchar_tests::daemon::{self, wait_for};
use sanchar_tests::events::state;
use sanchar_tests::proxy::{Api, Deed, Frames, Proxy};
use sanchar_tests::publisher::{Outgoing, publish_raw};
use sanchar_tests::{Installation, inbox};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// A letter as the fan-out service writes it, put into the queue by hand.
fn letter(
    installation: &Installation,
    (from, partition): (Topic, i32),
    key: Option<&str>,
    value: Vec<u8>,
) -> Outgoing {
    let letter = Outgoing {
        topic: Topic::Dlq,
        key: key.map(|key| key.as_bytes().to_vec()),
        value: Some(value),
        headers: Vec::new(),
    };
    let said = [
        (headers::DLQ_TOPIC, installation.topic(from)),
        (headers::DLQ_PARTITION, partition.to_string()),
        (headers::DLQ_OFFSET, "5".to_owned()),
        (headers::DLQ_STAGE, "decode".to_owned()),
        (headers::DLQ_REASON, "malformed".to_owned()),
        (headers::DLQ_MESSAGE, "put here by hand".to_owned()),
    ];
    said.into_iter().fold(letter, |letter, (name, value)| letter.with_header(name, Some(value.as_bytes())))
}

/// Takes Goa's input topic away, and has Haryana's take only records with a key.
async fn spoil_topics(installation: &Installation) -> Result<()> {
    let admin: AdminClient<DefaultClientContext> = installation.cluster.client().create()?;
    let options = AdminOptions::new().operation_timeout(Some(std::time::Duration::from_secs(30)));
    let [goa, haryana] = ["IN-GA", "IN-HR"].map(|code| installation.topic(Topic::Reported(state(code))));
    let compacted = AlterConfig::new(ResourceSpecifier::Topic(&haryana)).set("cleanup.policy", "compact");
    let altered = admin.alter_configs(&[compacted], &options).await?;
    ensure!(altered.iter().all(Result::is_ok), "{altered:?}");
    let deleted = admin.delete_topics(&[&goa], &options).await?;
    ensure!(deleted.iter().all(Result::is_ok), "{deleted:?}");
    wait_for("the topic to be gone", || {
        let metadata = admin.inner().fetch_metadata(None, std::time::Duration::from_secs(10))?;
        Ok(metadata.topics().iter().all(|topic| topic.name() != goa).then_some(()))
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_letter_that_the_brokers_refuse_holds_up_no_other() -> Result<()> {
    let installation = Installation::new("redrive-refused").await?;
    spoil_topics(&installation).await?;
    let [goa, haryana] = ["IN-GA", "IN-HR"].map(|code| Topic::Reported(state(code)));
    let mut chance = Chance::seeded(7);
    // The queue takes it and the input topic does not; nothing compresses it.
    let large: Vec<u8> =
        (0..1_200_000).map(|_| u8::try_from(chance.below(256)).unwrap_or_default()).collect();
    let good = |key| letter(&installation, (delhi(), 0), Some(key), b"no event".to_vec());
    let letters = [
        good("1"),
        letter(&installation, (delhi(), 7), None, b"no event".to_vec()),
        good("2"),
        letter(&installation, (delhi(), 0), Some("large"), large),
        letter(&installation, (goa, 0), Some("goa"), b"no event".to_vec()),
        good("3"),
        letter(&installation, (haryana, 0), None, b"no event".to_vec()),
        good("4"),
    ];
    publish_raw(&installation, &letters)?;
    let refused = BTreeMap::from([
        ("0:1", "no partition 7"),
        ("0:3", "larger than"),
        ("0:4", "no topic"),
        ("0:6", "invalid record"),
    ]);
    let check = |answered: &Answered, sent: usize| {
        let mut expected = sums(sent, 4 - sent, 0);
        expected["refused_by_brokers"] = json!(4);
        assert_eq!((answered.code, answered.sums()), (Some(2), &expected));
        let of_brokers = |letter: &&Value| letter["verdict"] == "refused-by-brokers";
        let letters: Vec<&Value> = answered.letters().iter().filter(of_brokers).collect();
        assert_eq!(letters.len(), refused.len());
        for letter in letters {
            let why = letter["why"].as_str().expect("a reason");
            assert!(why.contains(refused[letter["place"].as_str().expect("a place")]), "{letter}");
        }
    };
    check(&dlq(&installation, &["redrive", "--all", "--yes"])?, 4);
    let keys = inbox::read(&installation, delhi())?.into_iter().filter_map(|record| record.key);
    let expected = ["1", "2", "3", "4"].map(|key| key.as_bytes().to_vec());
    assert_eq!(keys.collect::<BTreeSet<_>>(), BTreeSet::from(expected));
    check(&dlq(&installation, &["redrive", "--all", "--yes"])?, 0);
    let dry = dlq(&installation, &["redrive", "--all"])?;
    assert_eq!(dry.sums()["refused_by_brokers"], 2, "what is known without sending");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_junk_receipt_stops_a_redrive_alone_until_it_is_taken_back() -> Result<()> {
    let installation = Installation::new("redrive-junk").await?;
    publish_raw(&installation, [&letter(&installation, (delhi(), 0), Some("1"), b"no event".to_vec())])?;
    let key = Some(b"no place".to_vec());
    let junk = Outgoing { topic: Topic::Redriven, key, value: Some(b"junk".to_vec()), headers: Vec::new() };
    publish_raw(&installation, [&junk])?;
    let run = |more: &[&str]| daemon::run("sanchar", &words(&installation, more), installation.folder());
    for reading in [&["list"][..], &["show", "0:0"]] {
        let output = run(reading)?;
        assert!(output.status.success() && !output.stdout.is_empty(), "{output:?}");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.contains("the receipt at offset 0 of"), "{said}");
    }
    let output = run(&["redrive", "--all", "--yes"])?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(78), "{said}");
    assert!(said.contains("the receipt at offset 0 of"), "{said}");

    publish_raw(&installation, [&Outgoing { value: None, ..junk }])?;
    let redriven = dlq(&installation, &["redrive", "--place", "0:0", "--place", "0:9", "--yes"])?;
    assert_eq!((redriven.code, redriven.sums()), (Some(64), &sums(1, 0, 0)), "no letter is at 0:9");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn brokers_that_send_no_letter_are_told_of_and_not_waited_for_for_ever() -> Result<()> {
    let mut installation = Installation::new("redrive-silent").await?;
    publish_raw(&installation, [&letter(&installation, (delhi(), 0), Some("1"), b"no event".to_vec())])?;
    let proxy = Proxy::before(&installation.cluster.kafka)?;
    proxy.every(Frames::Responses(Api::Fetch), Deed::Lose);
    proxy.address().clone_into(&mut installation.cluster.kafka);
    let output = daemon::run("sanchar", &words(&installation, &["show", "0:0"]), installation.folder())?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(69), "{said}");
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines.len(), 2, "one while it waits, and one at the end: {said}");
    assert!(lines[0].contains("nothing comes from") && lines[1].contains("for 60 s"), "{said}");
    Ok(())
}
