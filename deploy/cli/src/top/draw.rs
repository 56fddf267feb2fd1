//! How the screen looks: a line of totals, the sheets' names, one sheet, what needs attention, the keys. Made for 80 by 24.

use console::colors_enabled;
use ratatui::Frame;
use ratatui::crossterm::event::KeyCode;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Cell, Paragraph, Row, Table, TableState};

use crate::moment::in_india;
use crate::status::Picture;
use crate::status::sheets::{self, Sheet};

/// Lines for what needs attention; the last one tells how many more there are.
const ATTENTION_LINES: usize = 4;
const KEYS: &str = "left/right: sheet   up/down: row   q: end";

/// What is looked at.
#[derive(Debug, Default)]
pub(super) struct View {
    sheet: usize,
    row: TableState,
}

impl View {
    /// Does what a key asks; rows beyond the last are cut off when drawn.
    pub(super) fn heed(&mut self, key: KeyCode) {
        match key {
            KeyCode::Right | KeyCode::Tab => self.turn_to(self.sheet + 1),
            KeyCode::Left | KeyCode::BackTab => self.turn_to(self.sheet + sheets::COUNT - 1),
            KeyCode::Down => self.row.select_next(),
            KeyCode::Up => self.row.select_previous(),
            KeyCode::Home => self.row.select_first(),
            KeyCode::End => self.row.select_last(),
            _ => {}
        }
    }

    fn turn_to(&mut self, sheet: usize) {
        self.sheet = sheet % sheets::COUNT;
        self.row = TableState::default();
    }
}

/// Draws everything.
pub(super) fn draw(frame: &mut Frame<'_>, picture: Option<&Picture>, view: &mut View) {
    let Some(picture) = picture else {
        frame.render_widget(Paragraph::new("asking daemons and brokers …"), frame.area());
        return;
    };
    let attention = picture.attention.len().clamp(1, ATTENTION_LINES);
    let attention = u16::try_from(attention).unwrap_or(1);
    let lines = [
        Constraint::Length(2),
        Constraint::Length(2),
        Constraint::Min(3),
        Constraint::Length(1 + attention),
        Constraint::Length(1),
    ];
    let [head, names, body, foot, keys] = Layout::vertical(lines).areas(frame.area());
    let registry = sheets::registry(picture).map_or_else(String::new, |registry| format!("  {registry}"));
    let title = Line::from(format!("Sanchar  {}{registry}", in_india(picture.at_ms))).style(bold());
    frame.render_widget(Paragraph::new(vec![title, Line::from(sheets::summary(picture))]), head);
    let all = sheets::of(picture);
    frame.render_widget(Paragraph::new(tabs(&all, view.sheet)), names);
    if let Some(sheet) = all.get(view.sheet) {
        draw_sheet(frame, sheet, body, &mut view.row);
    }
    frame.render_widget(Paragraph::new(attention_lines(picture)), foot);
    let note = all.get(view.sheet).map_or("", |sheet| sheet.note);
    frame.render_widget(
        Paragraph::new(format!("{KEYS}   {note}")).style(Style::new().add_modifier(Modifier::DIM)),
        keys,
    );
}

fn tabs(all: &[Sheet], shown: usize) -> Line<'static> {
    let name = |(index, sheet): (usize, &Sheet)| {
        let bad = sheet.rows.iter().filter(|row| row.is_bad).count();
        let mark = if bad > 0 { format!(" !{bad}") } else { String::new() };
        let style = if index == shown { bold().add_modifier(Modifier::REVERSED) } else { Style::new() };
        [Span::styled(format!(" {}{mark} ", sheet.title), style), Span::raw(" ")]
    };
    all.iter().enumerate().flat_map(name).collect()
}

fn draw_sheet(frame: &mut Frame<'_>, sheet: &Sheet, area: Rect, row: &mut TableState) {
    if sheet.rows.is_empty() {
        frame.render_widget(Paragraph::new(sheet.empty), area);
        return;
    }
    let cell = |column: usize, text: String| {
        let line = Line::from(text);
        Cell::from(if sheet.right.contains(&column) { line.right_aligned() } else { line })
    };
    let cells = |texts: Vec<String>| {
        texts.into_iter().enumerate().map(|(column, text)| cell(column, text)).collect::<Vec<_>>()
    };
    let heading: Vec<String> = sheet.heading.iter().map(|text| (*text).to_owned()).collect();
    let rows = sheet.rows.iter().map(|row| {
        Row::new(cells(row.cells.clone())).style(if row.is_bad { alarming() } else { Style::new() })
    });
    let table = Table::new(rows, widths(sheet))
        .header(Row::new(cells(heading)).style(bold()))
        .column_spacing(2)
        .row_highlight_style(Style::new().add_modifier(Modifier::REVERSED));
    frame.render_stateful_widget(table, area, row);
}

/// As wide as what stands in them; the last column gives way, or takes what is left.
fn widths(sheet: &Sheet) -> Vec<Constraint> {
    let last = sheet.heading.len().saturating_sub(1);
    let width = |column: usize, heading: &&str| {
        let cells = sheet.rows.iter().filter_map(|row| row.cells.get(column).map(String::as_str));
        let widest = cells.chain([*heading]).map(console::measure_text_width).max().unwrap_or_default();
        let widest = u16::try_from(widest).unwrap_or(u16::MAX);
        let gives_way = column == last && !sheet.right.contains(&column);
        if gives_way { Constraint::Min(0) } else { Constraint::Length(widest) }
    };
    sheet.heading.iter().enumerate().map(|(column, heading)| width(column, heading)).collect()
}

fn attention_lines(picture: &Picture) -> Vec<Line<'static>> {
    let found = &picture.attention;
    let mut lines = vec![Line::default()];
    if found.is_empty() {
        lines.push(Line::from("nothing needs attention"));
    }
    let more = found.len().saturating_sub(ATTENTION_LINES - 1);
    let shown = if found.len() > ATTENTION_LINES { ATTENTION_LINES - 1 } else { found.len() };
    lines.extend(found.iter().take(shown).map(|one| Line::from(format!("! {}", one.text)).style(alarming())));
    if found.len() > ATTENTION_LINES {
        lines.push(Line::from(format!("… and {more} more: see `sanchar status`")).style(alarming()));
    }
    lines
}

fn bold() -> Style {
    Style::new().add_modifier(Modifier::BOLD)
}

fn alarming() -> Style {
    if colors_enabled() { Style::new().fg(Color::Red) } else { bold() }
}

#[cfg(test)]
mod tests;
