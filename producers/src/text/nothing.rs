//! What exports and people write where there is nothing: `NULL`, `-`, `N.A.`, अज्ञात. One list for what names a record and for names of
//! persons.
//!
//! Pure functions. Whether a text that says nothing is a fault or no matter is for the field to decide.

/// In capitals, without blanks and punctuation.
const NOTHING: [&str; 12] = [
    "NULL",
    "NAN",
    "NONE",
    "NA",
    "NIL",
    "UNDEFINED",
    "UNKNOWN",
    "NOTKNOWN",
    "NOTAVAILABLE",
    "NOTAPPLICABLE",
    "अज्ञात",
    "नामालूम",
];

/// Whether a text says nothing: it is a word for nothing, what a spreadsheet shows for an error, or has neither a letter nor a digit.
pub(crate) fn says_nothing(text: &str) -> bool {
    let is_error = text.starts_with('#') && text.ends_with(['!', '?']);
    let is_word = |word: &str| word.chars().eq(letters(text));
    is_error || !text.chars().any(char::is_alphanumeric) || NOTHING.iter().any(|word| is_word(word))
}

fn letters(text: &str) -> impl Iterator<Item = char> {
    let is_letter = |c: &char| !c.is_whitespace() && !c.is_ascii_punctuation();
    text.chars().filter(is_letter).flat_map(char::to_uppercase)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_for_nothing_are_known_however_they_are_written() {
        for text in [
            "",
            "-",
            "--",
            ".",
            "????",
            "NULL",
            "(null)",
            "<NULL>",
            "NaN",
            "n/a",
            "N.A.",
            "NIL",
            "Not Known",
            "unknown.",
            "#REF!",
            "#N/A",
            "#NAME?",
            "अज्ञात",
            "नामालूम",
            "undefined",
        ] {
            assert!(says_nothing(text), "{text}");
        }
        for text in ["0", "97", "Nagar", "NANDA", "Nilam", "#97", "O'Neill", "अज्ञातवास", "R.", "थाना", "?1"]
        {
            assert!(!says_nothing(text), "{text}");
        }
    }
}
