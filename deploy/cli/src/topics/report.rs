//! What `topics plan` and `topics apply` print: an aligned table for people, one JSON object for programs.

use std::collections::BTreeSet;
use std::io::Write;

use console::style;
use serde_json::json;

use super::diff::{Change, Difference, Problem};
use crate::outcome::Stop;
use crate::table::Table;

pub(super) fn plan(topics: usize, differences: &[Difference], out: &mut dyn Write) -> Result<(), Stop> {
    if differences.is_empty() {
        writeln!(out, "{topics} topics, all as the contract wants them")?;
        return Ok(());
    }
    write!(out, "{}", table(differences))?;
    let applicable = differences.iter().filter(|found| found.change.is_applicable()).count();
    let by_hand = differences.len() - applicable;
    writeln!(
        out,
        "\n{topics} topics; changes that `sanchar topics apply` makes: {applicable}, left to a person: {by_hand}"
    )?;
    Ok(())
}

pub(super) fn plan_json(topics: usize, differences: &[Difference], out: &mut dyn Write) -> Result<(), Stop> {
    let answer = json!({ "topics": topics, "in_sync": differences.is_empty(), "differences": differences });
    writeln!(out, "{answer}")?;
    Ok(())
}

pub(super) fn applied(
    topics: usize,
    differences: &[Difference],
    problems: &[Problem],
    out: &mut dyn Write,
) -> Result<(), Stop> {
    let (made, left): (Vec<_>, Vec<_>) = differences.iter().partition(|found| found.change.is_applicable());
    let mut table = Table::new(["RESULT", "TOPIC", "CHANGE"]);
    for found in &made {
        let problem = problems.iter().find(|problem| problem.topic == found.topic);
        let word = if problem.is_some() { style("failed").red() } else { style("done").green() };
        table.row([word.to_string(), found.topic.clone(), describe(&found.change)]);
    }
    for found in &left {
        table.row([style("left").yellow().to_string(), found.topic.clone(), describe(&found.change)]);
    }
    if !differences.is_empty() {
        writeln!(out, "{table}")?;
    }
    for reason in problems.iter().map(|problem| &problem.reason).collect::<BTreeSet<_>>() {
        let topics =
            problems.iter().filter(|problem| problem.reason == *reason).map(|problem| problem.topic.as_str());
        writeln!(out, "{}: {reason}", topics.collect::<Vec<_>>().join(", "))?;
    }
    let (done, failed) = (made.len().saturating_sub(problems.len()), problems.len());
    writeln!(
        out,
        "{topics} topics; changes made: {done}, failed: {failed}, left to a person: {}",
        left.len()
    )?;
    Ok(())
}

pub(super) fn applied_json(
    topics: usize,
    differences: &[Difference],
    problems: &[Problem],
    out: &mut dyn Write,
) -> Result<(), Stop> {
    let (made, left): (Vec<_>, Vec<_>) = differences.iter().partition(|found| found.change.is_applicable());
    writeln!(out, "{}", json!({ "topics": topics, "made": made, "left": left, "problems": problems }))?;
    Ok(())
}

fn table(differences: &[Difference]) -> Table {
    let mut table = Table::new(["TOPIC", "TO DO"]);
    for found in differences {
        table.row([found.topic.clone(), describe(&found.change)]);
    }
    table
}

fn describe(change: &Change) -> String {
    match change {
        Change::Create { partitions, replication } => {
            format!("{} partitions {partitions}, replication factor {replication}", style("create").green())
        }
        Change::AddPartitions { from, to } => format!(
            "{} partitions {from} -> {to}; keys move, so let the fan-out service catch up first",
            style("grow").yellow()
        ),
        Change::SetConfig { key, from, to } => {
            let from = from.as_deref().unwrap_or("(unset)");
            format!("{} {key} {from} -> {to}", style("set").yellow())
        }
        Change::TooManyPartitions { from, to } => {
            format!(
                "{} has {from} partitions, the contract says {to}; a topic cannot shrink",
                style("by hand:").red()
            )
        }
        Change::OtherReplication { from, to } => format!(
            "{} has replication factor {from}, wanted is {to}; use kafka-reassign-partitions, or pass --replication-factor {from}",
            style("by hand:").red()
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn differences() -> Vec<Difference> {
        let set = Change::SetConfig { key: "retention.ms", from: Some("1000".into()), to: "-1".into() };
        [
            ("crime.reported.in-dl", Change::Create { partitions: 2, replication: 3 }),
            ("crime.dlq", set),
            ("crime.shared.in-dl", Change::TooManyPartitions { from: 6, to: 1 }),
        ]
        .map(|(topic, change)| Difference { topic: topic.into(), change })
        .into()
    }

    fn printed(print: impl Fn(&mut dyn Write) -> Result<(), Stop>) -> String {
        let mut out = Vec::new();
        print(&mut out).unwrap();
        console::strip_ansi_codes(&String::from_utf8(out).unwrap()).into_owned()
    }

    #[test]
    fn a_plan_is_an_aligned_table_with_a_sum() {
        assert_eq!(
            printed(|out| plan(4, &differences(), out)),
            "\
TOPIC                 TO DO
crime.reported.in-dl  create partitions 2, replication factor 3
crime.dlq             set retention.ms 1000 -> -1
crime.shared.in-dl    by hand: has 6 partitions, the contract says 1; a topic cannot shrink

4 topics; changes that `sanchar topics apply` makes: 2, left to a person: 1
"
        );
        assert_eq!(printed(|out| plan(4, &[], out)), "4 topics, all as the contract wants them\n");
    }

    #[test]
    fn apply_says_what_it_did_what_failed_and_what_it_left() {
        let problems = [Problem { topic: "crime.dlq".into(), reason: "policy violation".into() }];
        assert_eq!(
            printed(|out| applied(4, &differences(), &problems, out)),
            "\
RESULT  TOPIC                 CHANGE
done    crime.reported.in-dl  create partitions 2, replication factor 3
failed  crime.dlq             set retention.ms 1000 -> -1
left    crime.shared.in-dl    by hand: has 6 partitions, the contract says 1; a topic cannot shrink

crime.dlq: policy violation
4 topics; changes made: 1, failed: 1, left to a person: 1
"
        );
    }

    #[test]
    fn json_is_one_object() {
        let text = printed(|out| plan_json(4, &differences(), out));
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["in_sync"], false);
        assert_eq!(value["differences"][0]["change"], "create");
        let text = printed(|out| applied_json(4, &differences(), &[], out));
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["left"].as_array().map(Vec::len), Some(1));
    }
}
