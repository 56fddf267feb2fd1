//! Dead letters go back to where they came from: as they came, each once however the command is killed or run beside
//! itself, and not for ever. What it makes of letters, receipts and brokers that are not as they should be is in `troubled`.

mod troubled;

use crate::poison::{CASE, good, poisons};
use anyhow::{Context as _, Result, ensure};
use sanchar_fanout::reasons::PoisonReason;
use sanchar_schemas::schema::Record;
use sanchar_schemas::topics::Topic;
use sanchar_schemas::wire;
use sanchar_tests::daemon;
use sanchar_tests::events::{self, state};
use sanchar_tests::front::{Answer, Front};
use sanchar_tests::inbox::Received;
use sanchar_tests::publisher::{Outgoing, publish_raw};
use sanchar_tests::{Accounts, Daemon, Installation, inbox};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;

/// Nothing waits long, and nothing but poison does not stop the service.
const SETTINGS: &str =
    "unknown_schema_grace_ms = 1000\nstream = { poison_share_max = 1.0, retry_max_ms = 200 }";

/// What `sanchar dlq … --json` says and ends with.
struct Answered {
    code: Option<i32>,
    lines: Vec<Value>,
}

impl Answered {
    /// The last line, which holds the sums.
    fn sums(&self) -> &Value {
        self.lines.last().expect("a line of sums")
    }

    fn letters(&self) -> &[Value] {
        &self.lines[..self.lines.len() - 1]
    }
}

fn words<'w>(installation: &'w Installation, words: &[&'w str]) -> Vec<&'w OsStr> {
    let cluster = &installation.cluster;
    let connection = [
        "--kafka",
        &cluster.kafka,
        "--registry",
        &cluster.registry,
        "--prefix",
        &installation.prefix,
        "--json",
    ];
    ["dlq"].into_iter().chain(words.iter().copied()).chain(connection).map(OsStr::new).collect()
}

fn dlq(installation: &Installation, more: &[&str]) -> Result<Answered> {
    let output = daemon::run("sanchar", &words(installation, more), installation.folder())?;
    let text = String::from_utf8(output.stdout)?;
    let lines = text.lines().map(serde_json::from_str).collect::<Result<Vec<Value>, _>>()?;
    let error = String::from_utf8_lossy(&output.stderr);
    ensure!(!lines.is_empty(), "sanchar dlq {more:?} says nothing: {error}");
    Ok(Answered { code: output.status.code(), lines })
}

/// Checks that so many letters can be read: a commit is answered a moment before its records count as decided.
fn check_letters(installation: &Installation, count: usize) -> Result<()> {
    assert_eq!(inbox::read(installation, Topic::Dlq)?.len(), count);
    Ok(())
}

/// The sums of a redrive.
fn sums(sent: usize, redriven: usize, refused: usize) -> Value {
    json!({
        "dry_run": false, "sent": sent, "would_send": 0, "redriven": redriven, "refused": refused,
        "refused_by_brokers": 0, "no_way_back": 0,
    })
}

fn delhi() -> Topic {
    Topic::Reported(state("IN-DL"))
}

/// One record for each way to be dead-lettered, with headers of its own; the name of the case and the reason of each.
async fn one_of_each(installation: &Installation) -> Result<(Vec<Outgoing>, BTreeMap<String, &'static str>)> {
    let mut records = Vec::new();
    let mut reasons = BTreeMap::new();
    let mut large = events::theft(state("IN-DL"), 905, 1, "");
    large.narrative = Some("x".repeat(1_500_000));
    let large = Outgoing::event(installation, &large.sealed())?;
    let poisons = poisons(installation).await?.into_iter();
    let poisons = poisons.map(|poison| (poison.name, poison.reason, poison.record));
    for (name, reason, record) in poisons.chain([("too large", "too-large", large)]) {
        let record = record.with_header(CASE, Some(name.as_bytes()));
        let record = record.with_header("binary", Some(&[0xff, 0, 0x80])).with_header("null", None);
        records.push(record.with_header("binary", Some("दो".as_bytes())));
        reasons.insert(name.to_owned(), reason);
    }
    Ok((records, reasons))
}

/// Records by case, in the order of their offsets.
fn by_case(records: Vec<Received>) -> BTreeMap<String, Vec<Received>> {
    let mut cases: BTreeMap<String, Vec<Received>> = BTreeMap::new();
    for record in records.into_iter().filter(|record| !record.header(CASE).is_empty()) {
        cases.entry(record.header(CASE).to_owned()).or_default().push(record);
    }
    cases
}

#[tokio::test(flavor = "multi_thread")]
async fn letters_of_every_reason_go_back_as_they_came_until_they_were_tried_three_times() -> Result<()> {
    let installation = Installation::new("redrive").await?;
    let (records, reasons) = one_of_each(&installation).await?;
    let count = records.len();
    publish_raw(&installation, [&Outgoing::event(&installation, &good(1))?])?;
    publish_raw(&installation, &records)?;
    let mut fanout = installation.fanout("fanout-1", SETTINGS)?;
    Accounts::after(&mut fanout, count as u64 + 1)?;
    check_letters(&installation, count)?;

    let listed = dlq(&installation, &["list"])?;
    assert_eq!((listed.code, listed.letters().len()), (Some(0), count));
    let mut by_reason: BTreeMap<&str, u64> = BTreeMap::new();
    reasons.values().for_each(|reason| *by_reason.entry(reason).or_default() += 1);
    assert_eq!(listed.sums(), &json!({ "letters": count, "by_reason": by_reason }));
    let all: BTreeSet<&str> =
        PoisonReason::ALL.into_iter().map(PoisonReason::as_str).chain(["too-large"]).collect();
    assert_eq!(by_reason.keys().copied().collect::<BTreeSet<_>>(), all, "there is a letter of every reason");
    assert!(listed.letters().iter().all(|letter| letter["attempt"] == 1 && letter["redriven"] == json!([])));

    let dry = dlq(&installation, &["redrive", "--all"])?;
    assert_eq!((dry.code, &dry.sums()["would_send"]), (Some(2), &json!(count)));
    assert_eq!(inbox::read(&installation, delhi())?.len(), count + 1, "a dry run sends nothing");

    let first = dlq(&installation, &["redrive", "--all", "--yes"])?;
    assert_eq!((first.code, first.sums()), (Some(0), &sums(count, 0, 0)));
    Accounts::after(&mut fanout, 2 * count as u64 + 1)?;
    check_letters(&installation, 2 * count)?;
    check_copies(&installation, &first, &reasons)?;
    check_attempts(&installation, &[(1, count), (2, count)])?;

    let second = dlq(&installation, &["redrive", "--all", "--yes"])?;
    assert_eq!((second.code, second.sums()), (Some(0), &sums(count, count, 0)), "none a second time");
    Accounts::after(&mut fanout, 3 * count as u64 + 1)?;
    check_letters(&installation, 3 * count)?;
    check_attempts(&installation, &[(1, count), (2, count), (3, count)])?;

    let third = dlq(&installation, &["redrive", "--all", "--yes"])?;
    assert_eq!((third.code, third.sums()), (Some(2), &sums(0, 2 * count, count)), "tried three times");
    let more = ["redrive", "--reason", "too-large", "--attempts-max", "4", "--yes"];
    let fourth = dlq(&installation, &more)?;
    assert_eq!((fourth.code, fourth.sums()), (Some(0), &sums(1, 2, 0)), "once more on purpose");
    let fifth = dlq(&installation, &["redrive", "--place", "0:0", "--again", "--yes"])?;
    assert_eq!((&fifth.letters()[0]["attempt"], fifth.sums()), (&json!(3), &sums(1, 0, 0)), "and so is this");
    let accounts = Accounts::after(&mut fanout, 3 * count as u64 + 3)?;
    assert_eq!(accounts.forwarded, 1, "the good one; nothing that is poison became anything else");
    assert_eq!(fanout.stop()?, 0);
    Ok(())
}

/// Checks that each record was written once more, where the command says, and is the same.
fn check_copies(
    installation: &Installation,
    redrive: &Answered,
    reasons: &BTreeMap<String, &str>,
) -> Result<()> {
    let published = by_case(inbox::read(installation, delhi())?);
    assert_eq!(published.keys().collect::<Vec<_>>(), reasons.keys().collect::<Vec<_>>());
    let mut places = BTreeSet::new();
    for (case, records) in published {
        let [original, copy] = &records[..] else { panic!("{case} must be there twice") };
        assert_eq!(copy.key, original.key, "{case}");
        assert_eq!(copy.value, original.value, "{case}");
        assert_eq!(copy.headers, original.headers, "{case}: all of them, in their order");
        assert_eq!(copy.partition, original.partition, "{case}");
        places.insert((copy.partition, copy.offset));
    }
    let to = |letter: &Value| {
        assert_eq!(letter["to"]["topic"], installation.topic(delhi()));
        let number = |name: &str| letter["to"][name].as_i64().expect("a number");
        (i32::try_from(number("partition")).unwrap(), number("offset"))
    };
    assert_eq!(redrive.letters().iter().map(to).collect::<BTreeSet<_>>(), places);
    Ok(())
}

/// Checks how many letters there are of each attempt.
fn check_attempts(installation: &Installation, expected: &[(u64, usize)]) -> Result<()> {
    let listed = dlq(installation, &["list"])?;
    let mut attempts: BTreeMap<u64, usize> = BTreeMap::new();
    for letter in listed.letters() {
        *attempts.entry(letter["attempt"].as_u64().context("an attempt")?).or_default() += 1;
    }
    assert_eq!(attempts.into_iter().collect::<Vec<_>>(), expected);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_letter_whose_cause_is_mended_is_delivered() -> Result<()> {
    let mut installation = Installation::new("mended").await?;
    let front = Front::of(&installation.cluster.registry)?;
    front.url().clone_into(&mut installation.cluster.registry);
    // The same schema in other words has an id of its own, which the registry does not know for a while.
    let text = Record::CrimeEvent.latest().text.replacen("\"doc\":\"", "\"doc\":\"Mended. ", 1);
    let id = installation.registry.register(&format!("{}.CrimeEvent", installation.prefix), &text).await?;
    let unknown = Answer::Error(404, r#"{"error_code":40403,"message":"Schema not found"}"#.to_owned());
    front.answer(&format!("/schemas/ids/{}", id.0), unknown);
    let event = events::theft(state("IN-DL"), 1, 1, "");
    let known = Outgoing::event(&installation, &event)?;
    let datum =
        known.value.as_deref().and_then(|value| value.get(wire::HEADER_BYTES..)).context("a datum")?;
    publish_raw(&installation, [&Outgoing { value: Some(wire::frame(id.0, datum)), ..known.clone() }])?;
    let mut fanout = installation.fanout("fanout-1", SETTINGS)?;
    let accounts = Accounts::after(&mut fanout, 1)?;
    assert_eq!(accounts.dead_lettered, BTreeMap::from([("unknown-schema".to_owned(), 1)]));
    check_letters(&installation, 1)?;
    let shown = dlq(&installation, &["show", "0:0"])?;
    assert_eq!((shown.code, &shown.lines[0]["event"]), (Some(0), &Value::Null), "it cannot be decoded yet");

    front.mend();
    let shown = dlq(&installation, &["show", "0:0"])?;
    assert_eq!(shown.lines[0]["event"]["record_id"], event.record_id.as_str());
    for others in [["--origin", "IN-HR"], ["--topic", "haryana"], ["--since", "2099-01-01"]] {
        let none = dlq(&installation, &[&["redrive", "--yes"], &others[..]].concat())?;
        assert_eq!((none.code, none.sums()), (Some(0), &sums(0, 0, 0)), "{others:?}");
    }
    let meant = ["redrive", "--yes", "--reason", "unknown-schema", "--origin", "delhi", "--since", "1h"];
    let redriven = dlq(&installation, &meant)?;
    assert_eq!((redriven.code, redriven.sums()), (Some(0), &sums(1, 0, 0)));
    let accounts = Accounts::after(&mut fanout, 2)?;
    assert_eq!((accounts.forwarded, accounts.deliveries), (1, 2));
    for neighbour in ["IN-HR", "IN-UP"] {
        let [received] = &inbox::inbox(&installation, state(neighbour))?[..] else { panic!("{neighbour}") };
        assert_eq!(received.shared()?.event.as_ref(), Some(&event), "{neighbour}");
    }
    assert_eq!(fanout.stop()?, 0);
    Ok(())
}

/// An installation with so many letters, each of a key of its own, whose fan-out service has ended.
async fn with_letters(name: &str, count: usize) -> Result<Installation> {
    let installation = Installation::new(name).await?;
    let record = |number| Outgoing {
        topic: delhi(),
        key: Some(format!("key {number}").into_bytes()),
        value: Some(b"no event".to_vec()),
        headers: Vec::new(),
    };
    publish_raw(&installation, &(0..count).map(record).collect::<Vec<_>>())?;
    let mut fanout = installation.fanout("fanout-1", SETTINGS)?;
    Accounts::after(&mut fanout, count as u64)?;
    assert_eq!(fanout.stop()?, 0);
    check_letters(&installation, count)?;
    Ok(installation)
}

/// Checks that each of the records stands in the input topic twice: as it was published, and as it was sent back.
fn check_once_each(installation: &Installation, count: usize) -> Result<()> {
    let mut times: BTreeMap<Vec<u8>, usize> = BTreeMap::new();
    for record in inbox::read(installation, delhi())? {
        *times.entry(record.key.context("a key")?).or_default() += 1;
    }
    assert_eq!(times.len(), count);
    let wrong: Vec<_> = times.into_iter().filter(|(_, times)| *times != 2).take(5).collect();
    assert!(wrong.is_empty(), "not there twice: {wrong:?}");
    let receipts = inbox::read(installation, Topic::Redriven)?;
    let letters: BTreeSet<_> = receipts.iter().map(|receipt| receipt.key.clone()).collect();
    assert_eq!((receipts.len(), letters.len()), (count, count), "a receipt for each");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redrive_that_is_killed_again_and_again_sends_each_letter_once() -> Result<()> {
    const LETTERS: usize = 12_000;
    let installation = with_letters("redrive-killed", LETTERS).await?;
    let all = words(&installation, &["redrive", "--all", "--yes"]);
    for kill in 0..3 {
        let redrive = Daemon::start("sanchar", &all, installation.folder())?;
        // The first is killed in its first transaction, the others when some more were committed.
        inbox::freeze_in_a_transaction(&installation, &redrive, &[delhi()], || {
            Ok(inbox::decided(&installation, Topic::Redriven)? >= kill * 2_000)
        })?;
        redrive.kill()?;
    }
    let last = dlq(&installation, &["redrive", "--all", "--yes"])?;
    assert_eq!(last.code, Some(0));
    let count = |name: &str| last.sums()[name].as_u64().expect("a number");
    assert_eq!(count("sent") + count("redriven"), LETTERS as u64);
    assert!(count("sent") > 0 && count("redriven") >= 2_000, "the kills came in the middle: {}", last.sums());
    check_once_each(&installation, LETTERS)
}

/// What a redrive says whose place another one took.
const OVERTAKEN: &str = "another `sanchar dlq redrive` took this one's place";

#[tokio::test(flavor = "multi_thread")]
async fn a_redrive_that_is_overtaken_says_so() -> Result<()> {
    const LETTERS: usize = 6_000;
    let installation = with_letters("redrive-overtaken", LETTERS).await?;
    let all = words(&installation, &["redrive", "--all", "--yes"]);
    let mut first = Daemon::start("sanchar", &all, installation.folder())?;
    inbox::freeze_in_a_transaction(&installation, &first, &[delhi()], || Ok(true))?;
    let second = dlq(&installation, &["redrive", "--all", "--yes"])?;
    assert_eq!(second.code, Some(0));
    first.go_on()?;
    assert_eq!(first.wait()?, 75);
    assert!(first.log()?.contains(OVERTAKEN), "{}", first.log()?);
    check_once_each(&installation, LETTERS)
}

#[tokio::test(flavor = "multi_thread")]
async fn two_redrives_at_once_send_each_letter_once() -> Result<()> {
    const LETTERS: usize = 12_000;
    let installation = with_letters("redrive-twice", LETTERS).await?;
    let all = words(&installation, &["redrive", "--all", "--yes"]);
    let start = || Daemon::start("sanchar", &all, installation.folder());
    for mut redrive in [start()?, start()?] {
        let code = redrive.wait()?;
        let log = redrive.log()?;
        assert!(
            code == 0 || code == 75 && log.contains(OVERTAKEN),
            "it ends well or was overtaken: {code}, {log}"
        );
    }
    let last = dlq(&installation, &["redrive", "--all", "--yes"])?;
    assert_eq!(last.code, Some(0));
    check_once_each(&installation, LETTERS)
}
