//! `sanchar dlq redrive`: sends letters back to where they came from, each once, however often it is run or killed.
//!
//! Batch by batch: fence every other redrive, read the receipts to their end, judge, and commit copies and receipts in one
//! transaction. What is asked for and what is printed stands in `redrive/`.

mod report;

use std::collections::BTreeMap;
use std::io::Write;

use sanchar_runtime::clock;
use sanchar_runtime::lifecycle::Failure;
use sanchar_schemas::topics::{Topic, TopicSpace};

use super::filter::Filters;
use super::inputs::Inputs;
use super::judge::{Rules, Verdict, judge};
use super::letter::Letter;
use super::letters::Letters;
use super::place::{InputPlace, Place};
use super::producer::{Grouping, Landed, Outgoing, TransactionalProducer, Unsent};
use super::receipts::{Copied, Receipts};
use crate::connection::{Cluster, Connection};
use crate::content::Contents;
use crate::outcome::{Outcome, Stop};
use report::{Done, Report};

/// Most letters of a transaction, and most bytes unless one letter alone has more. A transaction must end long before the
/// brokers' time-out.
const BATCH_LETTERS_MAX: usize = 1_000;
const BATCH_BYTES_MAX: usize = 4 << 20;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Without --yes it sends nothing and says what it would send. Mend the cause first and try one
letter: what fails again comes back to the queue, and the fan-out service stops when most of what it
reads is poison. It may be interrupted at any moment: run it again, and it goes on. Only --again
begins anew.

Examples:
  sanchar dlq redrive --reason unknown-schema             what would be sent
  sanchar dlq redrive --place 0:17 --yes                  one letter
  sanchar dlq redrive --reason unknown-schema --since 1d --yes
  sanchar dlq redrive --all --yes --json                  for programs

Exit codes:
  0   nothing is left: all were sent, now or before
  2   without --yes: there are letters to send; or some were refused, or have no way back
  64  the command line is wrong; or no letter is at a --place, and the others were sent
  75  another redrive took over, or an outcome is not known: run it again")]
pub(super) struct Args {
    /// Every letter
    #[arg(long)]
    all: bool,
    /// Send them; without it nothing is sent
    #[arg(long)]
    yes: bool,
    /// Also send letters that were sent before, once more
    #[arg(long)]
    again: bool,
    /// How often a record may be tried, the first time included; letters that reach it are refused
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(2..=100))]
    attempts_max: u32,
    /// One JSON object per line, for programs: a letter and its verdict, and the sums in the last line
    #[arg(long)]
    json: bool,
    // Behind the options, which would stand under its heading otherwise.
    #[command(flatten)]
    filters: Filters,
    #[command(flatten)]
    connection: Connection,
}

impl Args {
    fn check(&self) -> Result<(), Failure> {
        match (self.filters.are_none(), self.all) {
            (true, false) => Err(Failure::usage(
                "which letters? name them with --place, --reason, --topic, --origin, --since or --until, or use --all",
            )),
            (false, true) => {
                Err(Failure::usage("--all means every letter: leave out either it or the filters"))
            }
            _ => Ok(()),
        }
    }
}

pub(super) async fn run(args: &Args, out: &mut dyn Write) -> Result<Outcome, Stop> {
    args.check()?;
    let cluster = args.connection.cluster()?;
    let space = cluster.space();
    let mut selection = args.filters.selection(&space, clock::now_ms())?;
    let mut contents = Contents::new(cluster.registry_client()?);
    let mut letters = Letters::open(&cluster)?;
    let receipts = tokio::task::block_in_place(|| Receipts::open(&cluster.kafka, &space))?;
    receipts.check()?;
    let inputs = letters.inputs()?;
    let report = Report::new(args, &space, letters.left(), out);
    let rules = Rules { again: args.again, attempts_max: args.attempts_max };
    let mut redrive = Redrive {
        cluster: &cluster,
        space: &space,
        inputs,
        rules,
        receipts,
        batch: Batch::default(),
        report,
    };
    let ended = async {
        while let Some(letter) = letters.next().await? {
            if selection.has(&letter, &mut contents).await? {
                redrive.take(letter, args.yes)?;
            }
            redrive.report.left(letters.left(), redrive.batch.letters.len());
        }
        redrive.send_batch()
    };
    let ended = ended.await;
    // What was sent was sent, however it ended; and how it ended matters more than whether that could be printed.
    let outcome = redrive.report.summary();
    let outcome = ended.and(outcome)?;
    selection.check_places()?;
    Ok(outcome)
}

/// Letters for one transaction.
#[derive(Default)]
struct Batch {
    letters: Vec<Letter>,
    bytes: usize,
}

impl Batch {
    fn has_room_for(&self, letter: &Letter) -> bool {
        self.letters.is_empty()
            || self.letters.len() < BATCH_LETTERS_MAX && self.bytes + letter.bytes() <= BATCH_BYTES_MAX
    }

    fn push(&mut self, letter: Letter) {
        self.bytes += letter.bytes();
        self.letters.push(letter);
    }
}

/// What came of a transaction.
enum Attempt<'l> {
    Committed(Vec<(&'l Letter, Done)>),
    /// It was aborted: the brokers do not take these letters, and why.
    Refused(BTreeMap<Place, String>),
}

struct Redrive<'a> {
    cluster: &'a Cluster,
    space: &'a TopicSpace,
    inputs: Inputs,
    rules: Rules,
    receipts: Receipts,
    batch: Batch,
    report: Report<'a>,
}

impl Redrive<'_> {
    fn take(&mut self, letter: Letter, is_to_be_sent: bool) -> Result<(), Stop> {
        let verdict = self.judge(&letter);
        // Receipts only become more, so every other verdict is the last.
        if !matches!(verdict, Verdict::Send { .. }) || !is_to_be_sent {
            return self.report.judged(&letter, &verdict);
        }
        if !self.batch.has_room_for(&letter) {
            self.send_batch()?;
        }
        self.batch.push(letter);
        Ok(())
    }

    fn judge(&self, letter: &Letter) -> Verdict {
        judge(letter, &self.receipts.known, &self.inputs, self.space, self.rules)
    }

    fn send_batch(&mut self) -> Result<(), Stop> {
        let letters = std::mem::take(&mut self.batch).letters;
        if letters.is_empty() {
            return Ok(());
        }
        for (letter, done) in tokio::task::block_in_place(|| self.transact(&letters))? {
            match done {
                Done::Sent(copy) => self.report.sent(letter, &copy)?,
                Done::Judged(verdict) => self.report.judged(letter, &verdict)?,
            }
        }
        Ok(())
    }

    /// Sends what can be sent of these letters in one transaction. One that the brokers refuse is left out of it, and gets
    /// a verdict of its own. Whatever else fails is not tried again here: the next run knows what was sent.
    fn transact<'l>(&mut self, letters: &'l [Letter]) -> Result<Vec<(&'l Letter, Done)>, Failure> {
        let mut left: Vec<&Letter> = letters.iter().collect();
        let mut refused = Vec::new();
        let mut grouping = if left.len() > 1 { Grouping::Together } else { Grouping::Alone };
        // Each round but the first has fewer letters than the one before.
        while !left.is_empty() {
            match self.attempt(&left, grouping)? {
                Attempt::Committed(mut done) => {
                    done.extend(refused);
                    return Ok(done);
                }
                // The others may have been refused for the company that they kept.
                Attempt::Refused(_) if grouping == Grouping::Together => grouping = Grouping::Alone,
                Attempt::Refused(mut reasons) => left.retain(|letter| match reasons.remove(&letter.place) {
                    None => true,
                    Some(why) => {
                        refused.push((*letter, Done::Judged(Verdict::RefusedByBrokers { why })));
                        false
                    }
                }),
            }
        }
        Ok(refused)
    }

    /// One transaction.
    fn attempt<'l>(&mut self, letters: &[&'l Letter], grouping: Grouping) -> Result<Attempt<'l>, Failure> {
        let id = self.transactional_id();
        let producer = TransactionalProducer::fence(&self.cluster.kafka, &id, grouping)?;
        // From here on no other redrive can add a receipt without fencing this one.
        self.receipts.catch_up()?;
        let (mut to_send, mut done) = (Vec::new(), Vec::new());
        for letter in letters {
            match self.judge(letter) {
                Verdict::Send { source, attempt } => to_send.push((*letter, source, attempt)),
                verdict => done.push((*letter, Done::Judged(verdict))),
            }
        }
        if to_send.is_empty() {
            return Ok(Attempt::Committed(done));
        }
        producer.begin()?;
        let copies: Vec<Outgoing<'_>> =
            to_send.iter().map(|(letter, source, _)| copy(letter, *source, self.space)).collect();
        let landed = match producer.send(&copies) {
            Ok(landed) => landed,
            Err(Unsent::Failed(failure)) => return Err(failure),
            Err(Unsent::Refused(refused)) => {
                let named = |(number, why): (usize, String)| Some((to_send.get(number)?.0.place, why));
                return Ok(Attempt::Refused(refused.into_iter().filter_map(named).collect()));
            }
        };
        let at_ms = clock::now_ms();
        let copied = |((letter, source, attempt), landed): (&(&'l Letter, InputPlace, u32), Landed)| {
            let Landed { partition, offset } = landed;
            (*letter, Copied { attempt: *attempt, at_ms, topic: source.topic(self.space), partition, offset })
        };
        let sent: Vec<(&'l Letter, Copied)> = to_send.iter().zip(landed).map(copied).collect();
        self.write_receipts(&producer, &sent)?;
        producer.commit()?;
        done.extend(sent.into_iter().map(|(letter, copy)| (letter, Done::Sent(copy))));
        Ok(Attempt::Committed(done))
    }

    fn write_receipts(
        &self,
        producer: &TransactionalProducer,
        sent: &[(&Letter, Copied)],
    ) -> Result<(), Failure> {
        let receipt_of = |(letter, copy): &(&Letter, Copied)| {
            let receipt = serde_json::to_vec(&self.receipts.known.with(letter, copy.clone()));
            let receipt =
                receipt.map_err(|error| Failure::internal(format!("a receipt has no JSON: {error}")))?;
            Ok((letter.place, letter.place.to_key(), receipt))
        };
        let written =
            sent.iter().map(receipt_of).collect::<Result<Vec<(Place, String, Vec<u8>)>, Failure>>()?;
        let topic = self.space.name(Topic::Redriven);
        let outgoing = written.iter().map(|(place, key, receipt)| Outgoing {
            topic: topic.clone(),
            partition: None,
            key: Some(key.as_bytes()),
            value: Some(receipt),
            headers: Vec::new(),
            name: format!("the receipt for letter {place}"),
        });
        producer.send(&outgoing.collect::<Vec<_>>()).map(drop).map_err(|unsent| match unsent {
            Unsent::Failed(failure) => failure,
            Unsent::Refused(refused) => {
                let why = refused.into_iter().map(|(_, why)| why).next().unwrap_or_default();
                Failure::unavailable(format!("the brokers refuse a receipt: {why}"))
            }
        })
    }

    /// One for each installation, so that there is one redrive at a time.
    fn transactional_id(&self) -> String {
        let prefix = self.cluster.kafka.topic_prefix.as_deref().filter(|prefix| !prefix.is_empty());
        prefix.map_or_else(|| REDRIVE.to_owned(), |prefix| format!("{prefix}.{REDRIVE}"))
    }
}

const REDRIVE: &str = "sanchar-dlq-redrive";

/// The record as it came, for the topic that it came from. It gets a new timestamp: by its old one, retention could
/// remove it before it is read.
fn copy<'l>(letter: &'l Letter, source: InputPlace, space: &TopicSpace) -> Outgoing<'l> {
    let key = letter.record.key.as_deref();
    Outgoing {
        topic: source.topic(space),
        partition: key.is_none().then_some(source.place.partition),
        key,
        value: letter.record.value.as_deref(),
        headers: letter.original_headers().collect(),
        name: format!("letter {}", letter.place),
    }
}
