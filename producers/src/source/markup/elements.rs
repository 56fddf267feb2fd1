//! Which elements an XML document holds in which no row was found: so that a wrong `source.record`, or a page of a web
//! server in place of an export, is told from a list that is empty. It judges no row.

use super::{Markup, State, Token, Tokens};

/// So many names show well enough what a document is.
const NAMES_MAX: usize = 8;
/// A longer name is not shown.
const NAME_BYTES_MAX: usize = 64;

/// What stands in a document outside of rows.
#[derive(Debug, Default)]
pub(in crate::source) struct Elements {
    names: Vec<String>,
    has_text: bool,
}

impl Elements {
    /// Looks at bytes that begin and end outside of tags.
    pub(in crate::source) fn look_at(&mut self, bytes: &[u8]) {
        if self.names.len() == NAMES_MAX {
            return;
        }
        let mut tokens = Tokens::default();
        for byte in bytes {
            self.has_text |= tokens.state == State::Text && *byte != b'<' && !byte.is_ascii_whitespace();
            if let Some(Token::Start { .. }) = tokens.feed(*byte) {
                self.add(&tokens.name);
            }
        }
    }

    fn add(&mut self, name: &[u8]) {
        let Ok(name) = std::str::from_utf8(name) else { return };
        let is_new = !self.names.iter().any(|known| known == name);
        if is_new && name.len() <= NAME_BYTES_MAX && self.names.len() < NAMES_MAX {
            self.names.push(name.to_owned());
        }
    }

    /// What is wrong with a document that has these and no row. `None` where there is nothing in it: a list may be empty.
    pub(in crate::source) fn problem(&self, markup: &Markup) -> Option<String> {
        if self.names.is_empty() && !self.has_text {
            return None;
        }
        let record = String::from_utf8_lossy(&markup.record);
        let root = String::from_utf8_lossy(&markup.root);
        let within: Vec<_> = self.names.iter().map(|name| format!("`{name}`")).collect();
        let within = if within.is_empty() { "text alone".to_owned() } else { within.join(", ") };
        Some(format!(
            "it has no element `{record}`; in its outermost element `{root}` there is {within}: correct source.record, or look \
             at who wrote the file"
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(prologue: &str, rest: &str) -> Option<String> {
        let mut elements = Elements::default();
        elements.look_at(rest.as_bytes());
        elements.problem(&Markup::new(prologue.as_bytes(), "FIR"))
    }

    #[test]
    fn a_list_may_be_empty_and_everything_else_is_named() {
        assert_eq!(problem("<firs>", "\n <!-- <fir/> none today -->\n"), None);
        let named = problem("<firs>", "<r:fir no='1'><no>1</no></r:fir><r:fir/>").unwrap();
        assert!(
            named.starts_with(
                "it has no element `FIR`; in its outermost element `firs` there is `fir`, `no`: correct"
            ),
            "{named}"
        );
        assert!(problem("<html>", "Session expired").unwrap().contains("`html` there is text alone"));
        let many: String = (0..100).map(|n| format!("<e{n}/>")).collect();
        assert_eq!(problem("<a>", &many).unwrap().matches('`').count(), 2 * (2 + NAMES_MAX));
    }
}
