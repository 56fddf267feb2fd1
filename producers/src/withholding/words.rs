//! The table of words, `words.toml`, ready to be looked for: all words of a list in one pass over a text.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use aho_corasick::AhoCorasick;
use serde::Deserialize;

use super::fold::{folded, is_of_word, skeleton, spaced, squashed, words};

/// The lists of the table.
#[derive(Debug)]
pub(super) struct Tables {
    pub(super) caste: List,
    pub(super) community: List,
    pub(super) passport: List,
    pub(super) pocso: List,
    pub(super) sexual: List,
    pub(super) sexual_prose: List,
    pub(super) child: List,
    pub(super) child_person: List,
    pub(super) child_prose: List,
    pub(super) restricted: List,
    pub(super) told: List,
    pub(super) open: List,
    pub(super) school: School,
    pub(super) title: Title,
    pub(super) no_name: NoName,
    pub(super) age: Age,
    /// Whether a word of [`Age::numbers`] is in a text at all.
    pub(super) age_numbers: List,
}

/// Words that say an age, folded.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Age {
    pub(super) before: BTreeSet<String>,
    pub(super) certain: BTreeSet<String>,
    pub(super) years: BTreeSet<String>,
    pub(super) old: BTreeSet<String>,
    pub(super) months: BTreeSet<String>,
    pub(super) genitive: BTreeSet<String>,
    /// Words beside years that are no age.
    pub(super) spans: BTreeSet<String>,
    /// Whoever may be said to have so many years.
    pub(super) persons: BTreeSet<String>,
    /// Words for 1 to 17.
    pub(super) numbers: BTreeSet<String>,
    /// Words before which make one of these a greater number: `thirty five`.
    pub(super) tens: BTreeSet<String>,
}

/// Words beside the number of a class at school, folded.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct School {
    pub(super) classes: BTreeSet<String>,
    pub(super) not: BTreeSet<String>,
    pub(super) numbers: BTreeSet<String>,
}

/// Titles of boys, and what stands beside an age, folded.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Title {
    pub(super) boys: BTreeSet<String>,
    pub(super) sexes: BTreeSet<String>,
}

/// Words that are no part of a name, folded.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NoName {
    pub(super) words: BTreeSet<String>,
}

/// The words of one list.
#[derive(Debug)]
pub(super) struct List {
    finder: AhoCorasick,
    /// Of each word of the finder.
    kinds: Vec<Kind>,
    near: BTreeSet<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Part,
    Whole,
    Harmless,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(default)]
    parts: Vec<String>,
    #[serde(default)]
    whole: Vec<String>,
    #[serde(default)]
    harmless: Vec<String>,
    #[serde(default)]
    near: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    caste: Written,
    community: Written,
    passport: Written,
    pocso: Written,
    sexual: Written,
    sexual_prose: Written,
    child: Written,
    child_person: Written,
    child_prose: Written,
    restricted: Written,
    told: Written,
    open: Written,
    school: School,
    title: Title,
    no_name: NoName,
    age: Age,
}

static TABLES: LazyLock<Tables> = LazyLock::new(Tables::read);

/// The table.
pub(super) fn tables() -> &'static Tables {
    &TABLES
}

impl Tables {
    #[expect(clippy::expect_used, reason = "it is part of the program, and a test reads it")]
    fn read() -> Self {
        let file: File = toml::from_str(include_str!("words.toml")).expect("words.toml is well formed");
        let list = |written: &Written| List::of(written).expect("words.toml has words");
        let fold = |words: BTreeSet<String>| words.iter().map(|word| folded(word).into_owned()).collect();
        let numbers = Written { whole: file.age.numbers.iter().cloned().collect(), ..Written::default() };
        let Age { before, certain, persons, years, old, months, genitive, spans, numbers: young, tens } =
            file.age;
        Self {
            caste: list(&file.caste),
            community: list(&file.community),
            passport: list(&file.passport),
            pocso: list(&file.pocso),
            sexual: list(&file.sexual),
            sexual_prose: list(&file.sexual_prose),
            child: list(&file.child),
            child_person: list(&file.child_person),
            child_prose: list(&file.child_prose),
            restricted: list(&file.restricted),
            told: list(&file.told),
            open: list(&file.open),
            school: School {
                classes: fold(file.school.classes),
                not: fold(file.school.not),
                numbers: fold(file.school.numbers),
            },
            no_name: NoName { words: fold(file.no_name.words) },
            title: Title { boys: fold(file.title.boys), sexes: fold(file.title.sexes) },
            age: Age {
                before: fold(before),
                certain: fold(certain),
                years: fold(years),
                old: fold(old),
                months: fold(months),
                genitive: fold(genitive),
                spans: fold(spans),
                persons: fold(persons),
                numbers: fold(young),
                tens: fold(tens),
            },
            age_numbers: list(&numbers),
        }
    }
}

impl List {
    fn of(written: &Written) -> Result<Self, aho_corasick::BuildError> {
        let lists = [
            (Kind::Part, &written.parts),
            (Kind::Whole, &written.whole),
            (Kind::Harmless, &written.harmless),
        ];
        let words =
            lists.into_iter().flat_map(|(kind, words)| words.iter().map(move |word| (kind, folded(word))));
        let (kinds, words): (Vec<_>, Vec<_>) = words.unzip();
        Ok(Self {
            finder: AhoCorasick::new(words.iter().map(AsRef::<str>::as_ref))?,
            kinds,
            near: written.near.iter().map(|word| skeleton(&folded(word))).collect(),
        })
    }

    /// Whether a folded text has one of the words.
    pub(super) fn is_in(&self, text: &str) -> bool {
        self.finder.find_overlapping_iter(text).any(|found| {
            let counts = match self.kinds.get(found.pattern().as_usize()) {
                Some(Kind::Part) => true,
                Some(Kind::Whole) => stands_alone(text, found.start(), found.end()),
                Some(Kind::Harmless) | None => false,
            };
            counts && !self.is_harmless(text, found.start(), found.end())
        })
    }

    /// The same of words that are written with blanks between the letters as well.
    pub(super) fn is_in_spaced(&self, text: &str) -> bool {
        self.is_in(text) || (has_lone_letters(text) && self.is_in(&spaced(text)))
    }

    /// Whether the folded name of an act or of a head has one of the words, with whatever stops and blanks and however misspelt.
    pub(super) fn is_in_name(&self, name: &str) -> bool {
        self.is_in(name) || self.is_in(&squashed(name)) || words(name).any(|word| self.is_near(word))
    }

    fn is_near(&self, word: &str) -> bool {
        !self.near.is_empty() && self.near.contains(&skeleton(word))
    }

    fn is_harmless(&self, text: &str, start: usize, end: usize) -> bool {
        self.kinds.contains(&Kind::Harmless)
            && self.finder.find_overlapping_iter(text).any(|found| {
                self.kinds.get(found.pattern().as_usize()) == Some(&Kind::Harmless)
                    && found.start() <= start
                    && end <= found.end()
            })
    }
}

/// Whether a letter may stand by itself: a look at bytes that spares most texts the taking apart.
fn has_lone_letters(text: &str) -> bool {
    let is_lone = |three: &[u8]| matches!(three, [before, letter, after] if !before.is_ascii_alphanumeric() && letter.is_ascii_alphabetic() && !after.is_ascii_alphanumeric());
    !text.is_ascii() || text.as_bytes().windows(3).any(is_lone)
}

fn stands_alone(text: &str, start: usize, end: usize) -> bool {
    let before = text.get(..start).and_then(|text| text.chars().next_back());
    let after = text.get(end..).and_then(|text| text.chars().next());
    !before.is_some_and(is_of_word) && !after.is_some_and(is_of_word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_of_the_table_is_found() {
        let file: File = toml::from_str(include_str!("words.toml")).unwrap();
        let tables = tables();
        for (written, list) in [
            (&file.caste, &tables.caste),
            (&file.community, &tables.community),
            (&file.passport, &tables.passport),
            (&file.pocso, &tables.pocso),
            (&file.sexual, &tables.sexual),
            (&file.sexual_prose, &tables.sexual_prose),
            (&file.child, &tables.child),
            (&file.child_person, &tables.child_person),
            (&file.child_prose, &tables.child_prose),
            (&file.restricted, &tables.restricted),
            (&file.told, &tables.told),
            (&file.open, &tables.open),
        ] {
            for word in written.parts.iter().chain(&written.whole) {
                assert!(list.is_in(&folded(&format!("A {word}, b"))), "{word}");
            }
            for word in &written.near {
                assert!(list.is_in_name(&folded(word)), "{word}");
            }
            for word in &written.harmless {
                assert!(!list.is_in(&folded(word)), "{word}");
            }
        }
    }
}
