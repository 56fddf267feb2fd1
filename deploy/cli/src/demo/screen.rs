//! A table that is drawn over itself on a terminal, and lines one after another elsewhere.

use std::io::Write;

use console::{Term, truncate_str};

use crate::outcome::Stop;

/// Where a demonstration shows itself.
pub(super) struct Screen<'a> {
    out: &'a mut dyn Write,
    /// The terminal that `out` is, if it is one and may be drawn on.
    terminal: Option<Term>,
    /// Lines that the next drawing replaces.
    drawn: usize,
}

impl<'a> Screen<'a> {
    pub(super) fn new(out: &'a mut dyn Write, terminal: Option<Term>) -> Self {
        Self { out, terminal, drawn: 0 }
    }

    /// Prints a line that stays, above the table.
    pub(super) fn say(&mut self, line: &str) -> Result<(), Stop> {
        self.erase()?;
        writeln!(self.out, "{line}")?;
        self.out.flush()?;
        Ok(())
    }

    /// Prints a line where no table is drawn.
    pub(super) fn note(&mut self, line: &str) -> Result<(), Stop> {
        if self.terminal.is_none() { self.say(line) } else { Ok(()) }
    }

    /// Draws over what was drawn before. Off a terminal it does nothing.
    pub(super) fn draw(&mut self, text: &str) -> Result<(), Stop> {
        let Some(terminal) = &self.terminal else { return Ok(()) };
        let (rows, columns) = terminal.size();
        // One line less than there are, for the cursor; a line that wraps would spoil the count.
        let lines: Vec<_> = text
            .lines()
            .take(usize::from(rows).saturating_sub(1))
            .map(|line| truncate_str(line, usize::from(columns), "…"))
            .collect();
        self.erase()?;
        for line in &lines {
            writeln!(self.out, "{line}")?;
        }
        self.out.flush()?;
        self.drawn = lines.len();
        Ok(())
    }

    /// Takes away what was drawn: so many lines up, then everything below (ECMA-48 CUU and ED).
    fn erase(&mut self) -> Result<(), Stop> {
        if self.drawn > 0 {
            write!(self.out, "\u{1b}[{}A\u{1b}[J", self.drawn)?;
            self.drawn = 0;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn off_a_terminal_lines_follow_each_other_and_no_table_is_drawn() {
        let mut out = Vec::new();
        let mut screen = Screen::new(&mut out, None);
        screen.say("starts").unwrap();
        screen.draw("table").unwrap();
        screen.note("event").unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "starts\nevent\n");
    }

    #[test]
    fn on_a_terminal_the_table_is_drawn_over_itself() {
        let mut out = Vec::new();
        let mut screen = Screen::new(&mut out, Some(Term::stdout()));
        screen.draw("a\nb").unwrap();
        screen.note("not shown").unwrap();
        screen.draw("c").unwrap();
        screen.say("ends").unwrap();
        let text = String::from_utf8(out).unwrap();
        assert_eq!(text, "a\nb\n\u{1b}[2A\u{1b}[Jc\n\u{1b}[1A\u{1b}[Jends\n");
    }
}
