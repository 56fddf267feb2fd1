//! Serde's sentences about values in plain words: what stands there, what is needed, and how it is written.
//!
//! Works on messages alone, and repeats no value: serde quotes it, and it may be a secret. What is not in serde's own words is
//! left as it is, for somebody wrote it for people.

/// The sentence in plain words.
pub(super) fn plain(message: &str) -> String {
    if let Some((given, wanted)) = given_and_wanted(message, "invalid type: ") {
        let remedy = remedy(given, wanted);
        return format!("has {} where it needs {}{remedy}", kind(given), needed(wanted));
    }
    if let Some((_, wanted)) = given_and_wanted(message, "invalid value: ") {
        return format!("has a value that cannot be taken: it needs {}", needed(wanted));
    }
    if let Some((_, wanted)) = given_and_wanted(message, "invalid length ") {
        return format!("has too many or too few entries: it needs {}", needed(wanted));
    }
    if message.starts_with("data did not match any variant of untagged enum") {
        return "has none of the forms that are taken here: compare it with the example of the daemon's file"
            .to_owned();
    }
    match message {
        "invalid socket address syntax" => {
            "is not an address with a port: write one of this machine's, for example 127.0.0.1:9464, or 0.0.0.0:9464 for all of \
             them; a name cannot stand here"
        }
        "invalid IP address syntax" => "is not an address: write it in numbers, for example 127.0.0.1",
        "wanted string or table" => "has neither a text in quotation marks nor a table, and needs one of them",
        _ if message.starts_with("wanted exactly 1 element") => "needs exactly one setting inside",
        other => other,
    }
    .to_owned()
}

/// What stands there and what is needed, in serde's words. A value that is quoted may hold anything.
fn given_and_wanted<'m>(message: &'m str, begin: &str) -> Option<(&'m str, &'m str)> {
    message.strip_prefix(begin)?.rsplit_once(", expected ")
}

fn kind(given: &str) -> &'static str {
    match first_word(given) {
        "string" => "a text",
        "integer" => "a whole number",
        "floating" => "a number with a point",
        "boolean" => "true or false",
        "map" => "a table",
        "sequence" => "a list",
        _ => "something else",
    }
}

fn needed(wanted: &str) -> &str {
    match wanted {
        "u8" => "a whole number from 0 to 255",
        "u16" => "a whole number from 0 to 65535",
        "u32" => "a whole number from 0 to 4294967295",
        "u64" | "usize" => "a whole number, not negative",
        "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number",
        "f32" | "f64" => "a number",
        "a boolean" => "true or false",
        "a string" | "string" | "a borrowed string" => "a text in quotation marks",
        "path string" => "a path in quotation marks",
        "socket address" => "an address with a port in quotation marks, for example \"127.0.0.1:9464\"",
        "a sequence" => "a list in square brackets",
        "string or table" => "a text in quotation marks, or a table",
        _ if wanted.starts_with("a nonzero") => "a whole number from 1 on",
        _ if ["a map", "map", "table"].contains(&wanted) || wanted.starts_with("struct ") => {
            "a table: [name] on a line of its own, and its settings below"
        }
        _ if first_word(wanted) == "enum" || wanted == "variant identifier" => {
            "one of its words in quotation marks"
        }
        _ if wanted.contains("tagged enum") => "a table that says its type",
        // Somebody wrote it for people.
        _ => wanted,
    }
}

/// How to write what stands there as what is needed, where that is all that is wrong.
fn remedy(given: &str, wanted: &str) -> &'static str {
    let is_number = ["u8", "u16", "u32", "u64", "usize", "i8", "i16", "i32", "i64", "isize", "f32", "f64"];
    match first_word(given) {
        "string" if is_number.contains(&wanted) || wanted == "a boolean" => {
            "; it stands without quotation marks"
        }
        "string" if wanted == "a sequence" => ", also for one entry",
        _ => "",
    }
}

fn first_word(text: &str) -> &str {
    text.split(' ').next().unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_told_of_in_words_and_never_repeated() {
        for (message, expected) in [
            (
                "invalid type: string \"hunter2, expected u8\", expected u64",
                "has a text where it needs a whole number, not negative; it stands without quotation marks",
            ),
            (
                "invalid type: integer `5`, expected a string",
                "has a whole number where it needs a text in quotation marks",
            ),
            (
                "invalid type: string \"x\", expected a sequence",
                "has a text where it needs a list in square brackets, also for one entry",
            ),
            (
                "invalid value: integer `-5`, expected u16",
                "has a value that cannot be taken: it needs a whole number from 0 to 65535",
            ),
            (
                "invalid type: floating point `1.5`, expected struct KafkaConfig",
                "has a number with a point where it needs a table: [name] on a line of its own, and its settings below",
            ),
            (
                "invalid type: boolean `true`, expected a day such as 2026-01-31",
                "has true or false where it needs a day such as 2026-01-31",
            ),
        ] {
            assert_eq!(plain(message), expected);
        }
        assert!(plain("data did not match any variant of untagged enum Kind").contains("compare it"));
        assert_eq!(plain("must be a whole number"), "must be a whole number");
    }
}
