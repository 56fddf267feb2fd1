//! What a redrive says: a line for each letter where they are wanted, a bar on a terminal meanwhile, sums at the end.

use std::io::{IsTerminal as _, Write};

use console::style;
use indicatif::{ProgressBar, ProgressStyle};
use sanchar_schemas::topics::TopicSpace;
use serde_json::{Value, json};

use super::super::judge::Verdict;
use super::super::letter::Letter;
use super::super::line;
use super::super::receipts::Copied;
use super::Args;
use crate::outcome::{Outcome, Stop, Unheeded};
use crate::table::Columns;
use crate::text::clean;

/// What became of a letter of a batch.
#[derive(Debug)]
pub(super) enum Done {
    Sent(Copied),
    /// Another redrive was quicker.
    Judged(Verdict),
}

/// Letters, by what became of them.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Sums {
    sent: u64,
    to_send: u64,
    redriven: u64,
    refused: u64,
    refused_by_brokers: u64,
    no_way_back: u64,
}

pub(super) struct Report<'a> {
    space: &'a TopicSpace,
    is_dry: bool,
    json: bool,
    attempts_max: u32,
    sums: Sums,
    columns: Columns<5>,
    bar: ProgressBar,
    /// Offsets of the queue, for the bar.
    offsets: u64,
    /// The letters are sent, and the exit code tells of all of them, whether or not anybody reads this.
    out: Unheeded<'a>,
}

impl<'a> Report<'a> {
    pub(super) fn new(args: &Args, space: &'a TopicSpace, offsets: u64, out: &'a mut dyn Write) -> Self {
        // Lines would spoil the bar, and the bar the lines.
        let has_bar = args.yes && !args.json && std::io::stderr().is_terminal();
        Self {
            space,
            is_dry: !args.yes,
            json: args.json,
            attempts_max: args.attempts_max,
            sums: Sums::default(),
            columns: Columns::new([11, 6, 15, 20, 0]),
            bar: if has_bar { bar(offsets) } else { ProgressBar::hidden() },
            offsets,
            out: Unheeded(out),
        }
    }

    /// So many offsets of the queue have not been read yet, and so many letters have been read and not been sent.
    pub(super) fn left(&self, unread: u64, unsent: usize) {
        let unsent = u64::try_from(unsent).unwrap_or_default();
        self.bar.set_position(self.offsets.saturating_sub(unread + unsent));
    }

    /// The letter was sent, and that is committed.
    pub(super) fn sent(&mut self, letter: &Letter, copy: &Copied) -> Result<(), Stop> {
        self.sums.sent += 1;
        self.bar.set_message(format!("letters sent: {}", self.sums.sent));
        if self.json {
            let Copied { attempt, topic, partition, offset, .. } = copy;
            let to = json!({ "topic": topic, "partition": partition, "offset": offset });
            self.print_json(letter, "sent", *attempt, &to, None)?;
        }
        Ok(())
    }

    /// The letter is not sent; or it would be, but this is a dry run.
    pub(super) fn judged(&mut self, letter: &Letter, verdict: &Verdict) -> Result<(), Stop> {
        let (sum, word, attempt, shown) = match verdict {
            Verdict::Send { attempt, .. } => {
                (&mut self.sums.to_send, "would-send", Some(*attempt), style("would send").green())
            }
            Verdict::Redriven => (&mut self.sums.redriven, "redriven", None, style("sent before").dim()),
            Verdict::Refused { tried } => {
                (&mut self.sums.refused, "refused", Some(*tried), style("refused").yellow())
            }
            Verdict::RefusedByBrokers { .. } => (
                &mut self.sums.refused_by_brokers,
                "refused-by-brokers",
                None,
                style("refused by the brokers").red(),
            ),
            Verdict::NoWayBack => {
                (&mut self.sums.no_way_back, "no-way-back", None, style("no way back").red())
            }
        };
        *sum += 1;
        if self.json {
            let to = match verdict {
                Verdict::Send { source, .. } => json!({ "topic": source.topic(self.space) }),
                _ => Value::Null,
            };
            return self.print_json(letter, word, attempt.unwrap_or_default(), &to, verdict.why());
        }
        // Nothing but this line says why the brokers refuse a letter.
        if self.is_dry || verdict.why().is_some() {
            let attempt = attempt.map(|attempt| format!("attempt {attempt}"));
            let attempt = attempt.or(verdict.why().map(clean)).unwrap_or_else(|| "-".to_owned());
            let reason = line::cell(&letter.said(sanchar_schemas::headers::DLQ_REASON));
            let source = line::cell(&letter.said(sanchar_schemas::headers::DLQ_TOPIC));
            let cells = [shown.to_string(), letter.place.to_string(), reason, source, attempt];
            let line = self.columns.line(&cells);
            self.bar.suspend(|| writeln!(self.out, "{line}"))?;
        }
        Ok(())
    }

    fn print_json(
        &mut self,
        letter: &Letter,
        verdict: &str,
        attempt: u32,
        to: &Value,
        why: Option<&str>,
    ) -> Result<(), Stop> {
        let attempt = Some(attempt).filter(|attempt| *attempt > 0);
        let reason = letter.record.header(sanchar_schemas::headers::DLQ_REASON);
        let place = letter.place.to_string();
        let value = json!({
            "place": place, "reason": reason, "verdict": verdict, "attempt": attempt, "to": to, "why": why,
        });
        line::print_json(&value, &mut self.out)
    }

    /// The sums, and how the command ends.
    pub(super) fn summary(&mut self) -> Result<Outcome, Stop> {
        self.bar.finish_and_clear();
        let Sums { sent, to_send, redriven, refused, refused_by_brokers, no_way_back } = self.sums;
        if self.json {
            let sums = json!({
                "dry_run": self.is_dry,
                "sent": sent,
                "would_send": to_send,
                "redriven": redriven,
                "refused": refused,
                "refused_by_brokers": refused_by_brokers,
                "no_way_back": no_way_back,
            });
            line::print_json(&sums, &mut self.out)?;
        } else {
            let first = if self.is_dry { format!("would send: {to_send}") } else { format!("sent: {sent}") };
            let rest = format!("refused by the brokers: {refused_by_brokers}, no way back: {no_way_back}");
            writeln!(self.out, "{first}, sent before: {redriven}, refused: {refused}, {rest}")?;
            if to_send > 0 {
                writeln!(self.out, "nothing was sent: add --yes to send them")?;
            }
            if refused > 0 {
                let max = self.attempts_max;
                let remedy = "mend what they fail for, then allow more with --attempts-max";
                writeln!(self.out, "refused: these records were tried {max} times or more; {remedy}")?;
            }
            if refused_by_brokers > 0 {
                writeln!(self.out, "refused by the brokers: the lines above say why, letter by letter")?;
            }
            if no_way_back > 0 {
                let remedy = "`sanchar dlq show` has what they hold";
                writeln!(
                    self.out,
                    "no way back: their headers name no input topic of this installation; {remedy}"
                )?;
            }
        }
        let is_left = to_send + refused + refused_by_brokers + no_way_back > 0;
        Ok(if is_left { Outcome::Left } else { Outcome::Done })
    }
}

/// A bar on standard error.
fn bar(offsets: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:40} {percent:>3} %  {msg}  {eta} left");
    ProgressBar::new(offsets).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

#[cfg(test)]
mod tests {
    use super::super::super::letter::tests::letter;
    use super::*;
    use crate::outcome::tests::Failing;
    use clap::Parser;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        args: Args,
    }

    const FROM: (&str, i32, i64) = ("crime.reported.in-dl", 1, 41);

    /// What is printed when a letter has each verdict, and how the command ends.
    fn printed(words: &[&str]) -> (String, Outcome) {
        let args = Cli::try_parse_from([&["redrive"], words].concat()).unwrap().args;
        let (mut out, space) = (Vec::new(), TopicSpace::default());
        let mut report = Report::new(&args, &space, 9, &mut out);
        let source = letter(17, FROM, "key").source.unwrap();
        let send = Verdict::Send { source, attempt: 2 };
        if args.yes {
            let topic = source.topic(&space);
            let copy = Copied { attempt: 2, at_ms: 5, topic, partition: 1, offset: 90 };
            report.sent(&letter(17, FROM, "key"), &copy).unwrap();
        } else {
            report.judged(&letter(17, FROM, "key"), &send).unwrap();
        }
        let too_large = Verdict::RefusedByBrokers { why: "too large".into() };
        for (offset, verdict) in [
            (18, Verdict::Redriven),
            (19, Verdict::Refused { tried: 3 }),
            (20, Verdict::NoWayBack),
            (21, too_large),
        ] {
            report.judged(&letter(offset, FROM, "malformed"), &verdict).unwrap();
        }
        let outcome = report.summary().unwrap();
        (console::strip_ansi_codes(&String::from_utf8(out).unwrap()).into_owned(), outcome)
    }

    #[test]
    fn a_dry_run_says_what_a_run_would_do() {
        let (text, outcome) = printed(&["--all"]);
        assert_eq!(
            text,
            "\
would send   0:17    key              crime.reported.in-dl  attempt 2
sent before  0:18    malformed        crime.reported.in-dl  -
refused      0:19    malformed        crime.reported.in-dl  attempt 3
no way back  0:20    malformed        crime.reported.in-dl  -
refused by the brokers  0:21    malformed        crime.reported.in-dl  too large
would send: 1, sent before: 1, refused: 1, refused by the brokers: 1, no way back: 1
nothing was sent: add --yes to send them
refused: these records were tried 3 times or more; mend what they fail for, then allow more with --attempts-max
refused by the brokers: the lines above say why, letter by letter
no way back: their headers name no input topic of this installation; `sanchar dlq show` has what they hold
"
        );
        assert_eq!(outcome, Outcome::Left);
    }

    #[test]
    fn a_run_says_what_it_did() {
        let (text, _) = printed(&["--all", "--yes", "--attempts-max", "3"]);
        let (lines, sums) = text.split_once("sent: 1, sent before: 1, refused: 1, ").unwrap();
        assert_eq!(
            lines,
            "refused by the brokers  0:21    malformed        crime.reported.in-dl  too large\n"
        );
        assert!(sums.starts_with("refused by the brokers: 1, no way back: 1\nrefused:"), "{text}");
        let (json, outcome) = printed(&["--all", "--yes", "--json"]);
        let lines: Vec<Value> = json.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.len(), 6, "a line for each letter, and the sums");
        assert_eq!((&lines[0]["verdict"], &lines[0]["to"]["offset"]), (&json!("sent"), &json!(90)));
        assert_eq!((&lines[5]["sent"], &lines[5]["dry_run"]), (&json!(1), &json!(false)));
        assert_eq!(
            (&lines[4]["verdict"], &lines[4]["why"]),
            (&json!("refused-by-brokers"), &json!("too large"))
        );
        assert_eq!(outcome, Outcome::Left, "a refused letter is left to a person");
    }

    #[test]
    fn a_huge_letter_widens_no_column_beyond_reason() {
        let args = Cli::try_parse_from(["redrive", "--all"]).unwrap().args;
        let (mut out, space) = (Vec::new(), TopicSpace::default());
        let huge = letter(17, (&"x".repeat(9_000), 1, 41), &"कि".repeat(9_000));
        Report::new(&args, &space, 9, &mut out).judged(&huge, &Verdict::NoWayBack).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(text.chars().count() < 200, "{text}");
    }

    #[test]
    fn a_reader_that_goes_away_ends_nothing() {
        for words in [&["--all", "--yes", "--json"][..], &["--all"]] {
            let args = Cli::try_parse_from([&["redrive"], words].concat()).unwrap().args;
            let (mut out, space) = (Failing(1, std::io::ErrorKind::BrokenPipe), TopicSpace::default());
            let mut report = Report::new(&args, &space, 9, &mut out);
            for offset in 1..9 {
                report.judged(&letter(offset, FROM, "key"), &Verdict::NoWayBack).unwrap();
            }
            assert_eq!(report.summary().unwrap(), Outcome::Left);
        }
    }

    #[test]
    fn the_bar_counts_what_is_done_with_and_not_what_was_read() {
        let args = Cli::try_parse_from(["redrive", "--all", "--yes"]).unwrap().args;
        let (mut out, space) = (Vec::new(), TopicSpace::default());
        let report = Report::new(&args, &space, 10, &mut out);
        let after = |unread, unsent| {
            report.left(unread, unsent);
            report.bar.position()
        };
        assert_eq!([after(9, 1), after(4, 6), after(4, 0), after(0, 4), after(0, 0)], [0, 0, 6, 6, 10]);
    }

    #[test]
    fn without_anything_left_it_ends_well() {
        let args = Cli::try_parse_from(["redrive", "--all", "--yes"]).unwrap().args;
        let (mut out, space) = (Vec::new(), TopicSpace::default());
        assert_eq!(Report::new(&args, &space, 0, &mut out).summary().unwrap(), Outcome::Done);
    }
}
