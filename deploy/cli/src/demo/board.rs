//! Who published and who received what, as a table. A value that takes in what was seen and knows nothing of Kafka.

use std::collections::BTreeMap;

use console::style;
use sanchar_schemas::shared::SharedCrimeEvent;
use sanchar_schemas::{CrimeEvent, StateCode};

use super::watch::Sight;
use crate::table::Table;
use crate::text::clean;

/// The table's contents.
#[derive(Debug, Default)]
pub(super) struct Board {
    rows: BTreeMap<StateCode, Row>,
    dead_letters: u64,
}

#[derive(Debug, Default)]
struct Row {
    published: u64,
    received: u64,
    last: String,
}

impl Board {
    /// Takes in what was seen. Gives a line for those who watch no table: one for each event, when its first copy
    /// arrives.
    pub(super) fn note(&mut self, sight: &Sight) -> Option<String> {
        match sight {
            Sight::Published(event) => {
                self.rows.entry(event.origin).or_default().published += 1;
                None
            }
            Sight::Received(state, shared) => {
                let row = self.rows.entry(*state).or_default();
                row.received += 1;
                row.last = format!("from {}  {}", shared.enrichment.origin, summary(shared));
                let first = shared.enrichment.recipients.first()?;
                (first == state.as_str()).then(|| line(shared))
            }
            Sight::DeadLetter(reason) => {
                self.dead_letters += 1;
                Some(format!("dead letter: {reason}"))
            }
        }
    }

    pub(super) fn published(&self) -> u64 {
        self.rows.values().map(|row| row.published).sum()
    }

    pub(super) fn received(&self) -> u64 {
        self.rows.values().map(|row| row.received).sum()
    }

    /// One row for each state that published or received something.
    pub(super) fn table(&self) -> Table {
        let mut table =
            Table::new(["STATE", "NAME", "नाम", "PUBLISHED", "RECEIVED", "LAST RECEIVED"]).right(&[3, 4]);
        for (state, row) in &self.rows {
            let names = state.row();
            let published = count(row.published);
            let received = style(count(row.received)).green().to_string();
            let code = style(state.as_str()).bold().to_string();
            table.row([
                code,
                names.name_en.clone(),
                names.name_hi.clone(),
                published,
                received,
                row.last.clone(),
            ]);
        }
        table
    }
}

fn count(count: u64) -> String {
    if count == 0 { "-".to_owned() } else { count.to_string() }
}

/// `IN-DL  VEHICLE_STOLEN 1187/2026 थाना सरोवर विहार -> HR UP`
fn line(shared: &SharedCrimeEvent) -> String {
    let recipients = shared.enrichment.recipients.iter().map(|code| code.trim_start_matches("IN-"));
    let recipients = recipients.collect::<Vec<_>>().join(" ");
    format!("{}  {} -> {}", shared.enrichment.origin, summary(shared), style(recipients).green())
}

fn summary(shared: &SharedCrimeEvent) -> String {
    let Some(event) = &shared.event else {
        return format!("WITHDRAWAL {}", clean(&shared.enrichment.record_id));
    };
    [
        Some(event.kind.to_string()),
        shared.enrichment.primary_head.as_deref().map(str::to_owned),
        fir(event),
        event.police_station.as_ref().map(|station| clean(&station.name)),
    ]
    .into_iter()
    .flatten()
    .collect::<Vec<_>>()
    .join(" ")
}

fn fir(event: &CrimeEvent) -> Option<String> {
    event.fir.as_ref().map(|fir| format!("{}/{}", clean(&fir.number), fir.year))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shared() -> Box<SharedCrimeEvent> {
        serde_json::from_str(include_str!("../../../../schemas/examples/shared-delivery.json")).unwrap()
    }

    #[test]
    fn the_table_counts_and_shows_hindi() {
        let mut board = Board::default();
        let event = shared().event.unwrap();
        assert_eq!(board.note(&Sight::Published(Box::new(event))), None);
        let haryana = "IN-HR".parse().unwrap();
        for _ in 0..2 {
            board.note(&Sight::Received(haryana, shared()));
        }
        assert_eq!((board.published(), board.received()), (1, 2));
        let table = console::strip_ansi_codes(&board.table().to_string()).into_owned();
        let lines: Vec<&str> = table.lines().collect();
        assert!(lines[1].starts_with("IN-HR  Haryana  हरियाणा"), "{table}");
        assert!(lines[1].contains("from IN-PB  SEIZURE NARCOTICS"), "{table}");
        assert!(
            lines[2].starts_with("IN-PB  Punjab   पंजाब") && lines[2].ends_with("        1         -"),
            "{table}"
        );
    }

    #[test]
    fn each_event_has_one_line_however_many_receive_it() {
        let mut board = Board::default();
        let recipients: Vec<StateCode> =
            shared().enrichment.recipients.iter().map(|code| code.parse().unwrap()).collect();
        let lines: Vec<String> =
            recipients.iter().filter_map(|state| board.note(&Sight::Received(*state, shared()))).collect();
        assert_eq!(lines.len(), 1, "{recipients:?}");
        assert!(console::strip_ansi_codes(&lines[0]).contains(" -> "), "{lines:?}");
    }
}
