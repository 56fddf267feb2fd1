//! `sanchar tail`: follows a topic or a state's inbox and prints one line per record.
//!
//! It joins no group and commits nothing, so it can be run beside any consumer. A record that cannot be decoded is
//! printed as such; it never ends the tail.

mod line;
mod target;

use std::io::Write;

use sanchar_schemas::topics::Topic;

use crate::connection::Connection;
use crate::content::Contents;
use crate::outcome::{Outcome, Stop};
use crate::reader::{Reader, Record, Start, Step};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
A state (goa, GA, IN-GA) means its inbox; topics are crime.reported.in-ka, crime.dlq and the like.
Without --count it follows until Ctrl-C; with --count it ends there or at the end of the topic.

Examples:
  sanchar tail goa                                      what reaches Goa from now on
  sanchar tail in-hr --from beginning --count 5         the first five of Haryana's inbox
  sanchar tail crime.reported.in-ka --from -20          Karnataka's last events, then follow
  sanchar tail crime.dlq --from beginning --no-follow   every dead letter, with the reason
  sanchar tail goa --json | jq .value.event.kind        for programs: a JSON object per line")]
pub(crate) struct Args {
    /// A state (its inbox) or a topic
    #[arg(value_name = "TOPIC|STATE")]
    target: String,
    /// Where to begin: beginning, end, or -N for the last N records [default: end when following, else beginning]
    #[arg(long, value_name = "beginning|end|-N", allow_hyphen_values = true, value_parser = parse_from)]
    from: Option<From>,
    /// End after N records
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
    /// Wait for more at the end of the topic; the default without --count
    #[arg(long, conflicts_with = "no_follow")]
    follow: bool,
    /// End at the end of the topic
    #[arg(long)]
    no_follow: bool,
    /// One JSON object per line: topic, partition, offset, timestamp, headers, key, value
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connection: Connection,
}

/// Where to begin, as people say it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum From {
    Beginning,
    End,
    /// The last so many records.
    Last(u16),
}

impl Args {
    fn follows(&self) -> bool {
        self.follow || self.count.is_none() && !self.no_follow
    }

    fn from(&self) -> From {
        let default = if self.follows() { From::End } else { From::Beginning };
        self.from.unwrap_or(default)
    }
}

impl From {
    fn start(self) -> Start {
        match self {
            Self::Beginning => Start::Beginning,
            Self::End => Start::End,
            // A transaction may leave one record and one marker, so twice as far back is far enough.
            Self::Last(count) => Start::BeforeEnd(2 * i64::from(count)),
        }
    }
}

fn parse_from(text: &str) -> Result<From, String> {
    let last = || text.strip_prefix('-')?.parse().ok().filter(|count| *count > 0).map(From::Last);
    match text {
        "beginning" => Ok(From::Beginning),
        "end" => Ok(From::End),
        _ => last()
            .ok_or_else(|| format!("use beginning, end or -N with N up to {}, for example -10", u16::MAX)),
    }
}

pub(crate) async fn run(args: &Args, out: &mut dyn Write) -> Result<Outcome, Stop> {
    let cluster = args.connection.cluster()?;
    let topic = target::find(&args.target, &cluster.space())?;
    let reader = Reader::open(&cluster.kafka, &[cluster.space().name(topic)], args.from().start())?;
    let contents = Contents::new(cluster.registry_client()?);
    let mut tail = Tail { args, topic, contents, printed: 0, out };
    let ended = tokio::select! {
        ended = tail.follow(reader) => ended,
        _ = tokio::signal::ctrl_c() => Ok(()),
    };
    ended.map(|()| Outcome::Done)
}

struct Tail<'a> {
    args: &'a Args,
    topic: Topic,
    contents: Contents,
    printed: u64,
    out: &'a mut dyn Write,
}

impl Tail<'_> {
    async fn follow(&mut self, mut reader: Reader) -> Result<(), Stop> {
        if let From::Last(count) = self.args.from() {
            self.catch_up(&mut reader, usize::from(count)).await?;
            if !self.args.follows() {
                return Ok(());
            }
        }
        while self.wants_more() {
            match reader.next().await? {
                Step::Record(record) => self.print(&record).await?,
                Step::End if self.args.follows() => {}
                Step::End => return Ok(()),
                Step::Trouble(reason) => self.print_trouble(&reason)?,
            }
        }
        Ok(())
    }

    /// Prints the last `count` records that there are now, oldest first over all partitions.
    async fn catch_up(&mut self, reader: &mut Reader, count: usize) -> Result<(), Stop> {
        let mut last = Vec::new();
        loop {
            match reader.next().await? {
                Step::Record(record) => last.push(record),
                Step::End => break,
                Step::Trouble(reason) => self.print_trouble(&reason)?,
            }
            if last.len() >= 4 * count {
                keep_newest(&mut last, count);
            }
        }
        keep_newest(&mut last, count);
        for record in &last {
            if self.wants_more() {
                self.print(record).await?;
            }
        }
        Ok(())
    }

    fn wants_more(&self) -> bool {
        self.args.count.is_none_or(|count| self.printed < count)
    }

    async fn print(&mut self, record: &Record) -> Result<(), Stop> {
        let content = self.contents.of(self.topic, record).await?;
        let line = if self.args.json { line::json(record, &content)? } else { line::text(record, &content) };
        writeln!(self.out, "{line}")?;
        self.printed += 1;
        Ok(())
    }

    /// The client goes on trying by itself; people are told, programs need not be.
    fn print_trouble(&mut self, reason: &str) -> Result<(), Stop> {
        if !self.args.json {
            writeln!(self.out, "{}", console::style(format!("kafka: {reason}; waiting")).dim())?;
        }
        Ok(())
    }
}

/// Sorts by time and keeps the newest `count`.
fn keep_newest(records: &mut Vec<Record>, count: usize) {
    records.sort_by_key(|record| record.timestamp_ms);
    records.drain(..records.len().saturating_sub(count));
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        tail: Args,
    }

    fn parse(words: &[&str]) -> Args {
        Cli::try_parse_from([&["tail", "goa"], words].concat()).unwrap().tail
    }

    #[test]
    fn it_follows_from_the_end_unless_told_how_many() {
        for (words, follows, from) in [
            (vec![], true, From::End),
            (vec!["--count", "5"], false, From::Beginning),
            (vec!["--count", "5", "--follow"], true, From::End),
            (vec!["--no-follow"], false, From::Beginning),
            (vec!["--from", "-20"], true, From::Last(20)),
            (vec!["--from", "end", "--count", "1"], false, From::End),
        ] {
            let args = parse(&words);
            assert_eq!((args.follows(), args.from()), (follows, from), "{words:?}");
        }
    }

    #[test]
    fn a_place_to_begin_is_checked() {
        for bad in ["", "-0", "20", "-x", "start", "-99999999"] {
            assert!(parse_from(bad).is_err(), "{bad}");
        }
    }
}
