//! Texts from other forces' systems, made fit for a terminal.

/// The text with a blank for each control character, so that none of them moves the cursor or rings a bell.
pub(crate) fn clean(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_sequences_lose_their_power() {
        assert_eq!(clean("थाना\u{1b}[2J\n\u{9b}x"), "थाना [2J  x");
    }
}
