//! What redrives did, by the receipts that they left: each copy stands where its receipt says, is its letter as it came,
//! and has no twin. Nothing else stands in the input topics but what was published.

use crate::workload::PRODUCER;
use anyhow::{Context as _, Result, ensure};
use sanchar_schemas::StateCode;
use sanchar_schemas::topics::Topic;
use sanchar_tests::Installation;
use sanchar_tests::inbox::{self, Received};
use serde::Deserialize;
use std::collections::{BTreeMap, HashMap};

/// What a receipt says, as far as it matters here.
#[derive(Debug, Deserialize)]
struct Receipt {
    copies: Vec<Copied>,
}

#[derive(Debug, PartialEq, Eq, Hash, Deserialize)]
struct Copied {
    topic: String,
    partition: i32,
    offset: i64,
}

/// `published` is how many records the workload published; the producer's state is left out, for it publishes as often
/// as it is killed, and nothing of it is dead-lettered.
pub(crate) fn check(installation: &Installation, published: u64) -> Result<()> {
    let mut receipts: BTreeMap<String, Receipt> = BTreeMap::new();
    for record in inbox::read(installation, Topic::Redriven)? {
        let place = String::from_utf8(record.key.context("a receipt has a key")?)?;
        receipts.insert(place, serde_json::from_slice(&record.value.context("a receipt has a value")?)?);
    }
    let mut letters: HashMap<String, Received> = HashMap::new();
    inbox::scan(installation, &[Topic::Dlq], |_, letter| {
        letters.insert(format!("{}/{}", letter.partition, letter.offset), letter);
        Ok(())
    })?;
    let mut inputs: HashMap<Copied, Received> = HashMap::new();
    let topics: Vec<Topic> =
        StateCode::all().filter(|state| state.as_str() != PRODUCER).map(Topic::Reported).collect();
    inbox::scan(installation, &topics, |_, record| {
        let Received { topic, partition, offset, .. } = &record;
        let place = Copied { topic: topic.clone(), partition: *partition, offset: *offset };
        inputs.insert(place, record);
        Ok(())
    })?;
    let found = inputs.len() as u64;
    let mut copies = 0;
    for (place, receipt) in &receipts {
        let letter = letters.get(place).with_context(|| format!("there is no letter {place}"))?;
        for copied in &receipt.copies {
            let copy =
                inputs.remove(copied).with_context(|| format!("letter {place}: no copy at {copied:?}"))?;
            ensure!(is_as_it_came(letter, &copy), "letter {place}: the copy at {copied:?} is another record");
            copies += 1;
        }
    }
    let expected = published + copies;
    ensure!(
        found == expected,
        "{published} were published and {copies} redriven, and {found} records stand there"
    );
    Ok(())
}

fn is_as_it_came(letter: &Received, copy: &Received) -> bool {
    let is_ours = |name: &str| name.starts_with("__dlq.errors.") || name.starts_with("sanchar-dlq-");
    let headers = letter.headers.iter().filter(|(name, _)| !is_ours(name));
    (&letter.key, &letter.value) == (&copy.key, &copy.value) && headers.eq(&copy.headers)
}
