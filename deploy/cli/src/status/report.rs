//! What `status` prints: tables for people, one JSON object for programs.

use std::io::Write;

use console::style;

use super::picture::Picture;
use super::sheets::{self, Sheet};
use crate::moment::in_india;
use crate::outcome::Stop;
use crate::table::Table;
use crate::text::clean_json;

pub(super) fn json(picture: &Picture, out: &mut dyn Write) -> Result<(), Stop> {
    writeln!(out, "{}", clean_json(&serde_json::to_string(picture)?))?;
    Ok(())
}

pub(super) fn text(picture: &Picture, out: &mut dyn Write) -> Result<(), Stop> {
    writeln!(out, "{}  {}", in_india(picture.at_ms), sheets::summary(picture))?;
    if let Some(registry) = sheets::registry(picture) {
        writeln!(out, "{registry}")?;
    }
    for sheet in sheets::of(picture) {
        writeln!(out)?;
        if sheet.rows.is_empty() {
            writeln!(out, "{}: {}", sheet.title, sheet.empty)?;
        } else {
            write!(out, "{}", table(&sheet))?;
            if !sheet.note.is_empty() {
                writeln!(out, "{}", style(sheet.note).dim())?;
            }
        }
    }
    writeln!(out)?;
    if picture.attention.is_empty() {
        writeln!(out, "{}", style("nothing needs attention").green())?;
    }
    for found in &picture.attention {
        writeln!(out, "{}  {}", style("!").red().bold(), found.text)?;
    }
    Ok(())
}

fn table(sheet: &Sheet) -> Table {
    let mut table = Table::under(sheet.heading).right(sheet.right);
    for row in &sheet.rows {
        let mut cells = row.cells.clone();
        if let (Some(first), true) = (cells.first_mut(), row.is_bad) {
            *first = style(&*first).red().bold().to_string();
        }
        table.cells(cells);
    }
    table
}
