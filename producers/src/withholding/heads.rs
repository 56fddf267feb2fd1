//! What the source's own head of crime says: by its words, in any language and however misspelt, and by sections that stand in it, as in
//! `376 IPC` and `u/s 64 BNS`.
//!
//! A doubt protects here as well: a head that no table knows may be one of those, so that it is as good as none.

use std::sync::LazyLock;

use sanchar_schemas::event::{ReportedHead, Section};
use sanchar_schemas::offence::{Act, Head};

use super::fold::{folded, is_of_word};
use super::offence::Offences;
use super::words::tables;
use crate::memo::Memo;

/// Most digits of a section's number; a year has more.
const DIGITS_MAX: usize = 3;
/// Most letters behind it: `376AB`.
const LETTERS_MAX: usize = 2;
/// Penal codes, one of which is meant where a head names no act.
const CODES: [&str; 2] = ["IPC", "BNS"];
/// Words around a section, besides acts.
const AROUND: [&str; 12] =
    ["u", "s", "us", "sec", "section", "sections", "r", "w", "rw", "and", "act", "धारा"];

/// What a head says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) offences: Offences,
    /// Whether it is known what it is about.
    pub(super) is_told: bool,
}

/// What both parts of a head say.
pub(super) fn of(head: Option<&ReportedHead>) -> Said {
    /// A state has few heads.
    static KNOWN: LazyLock<Memo<Said>> = LazyLock::new(Memo::default);
    let texts = head.into_iter().flat_map(|head| head.major.iter().chain(&head.minor));
    texts.fold(Said::default(), |all, text| {
        let one = KNOWN.of(&[text], || of_text(text));
        Said { offences: all.offences.or(one.offences), is_told: all.is_told || one.is_told }
    })
}

fn of_text(text: &str) -> Said {
    let name = folded(text);
    let words: Vec<&str> =
        name.split(|c: char| !is_of_word(c) || c.is_ascii_digit()).filter(|word| !word.is_empty()).collect();
    let named: Vec<&str> =
        words.iter().filter_map(|word| Act::by_name(word)).map(|act| act.code.as_str()).collect();
    let acts = if named.is_empty() { CODES.as_slice() } else { named.as_slice() };
    let section = |number: &str| {
        acts.iter().map(|act| Section { act: (*act).into(), section: number.into() }).collect::<Vec<_>>()
    };
    let sections: Vec<Section> = numbers(&name).into_iter().flat_map(section).collect();
    let by_number = Offences::of(&sections);
    // A number alone may be that of a house or of a quarrel's dead, and 147 is a riot in one code.
    let is_certain = !named.is_empty() || words.iter().all(|word| AROUND.contains(word));
    let by_number = Offences { is_restricted: by_number.is_restricted && is_certain, ..by_number };
    let is_listed = sections.iter().any(|of| Head::of(&of.act, &of.section).is_some());
    let tables = tables();
    let is_told = (is_listed || tables.told.is_in_name(&name)) && !tables.open.is_in(&name);
    Said { offences: Offences::of_name(text).or(by_number), is_told }
}

/// The numbers in a folded head that may be sections, with what belongs to them.
fn numbers(name: &str) -> Vec<&str> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '(' | ')');
    name.split(|c| !is_part(c)).filter_map(number).collect()
}

fn number(piece: &str) -> Option<&str> {
    let piece = piece.get(piece.find(|c: char| c.is_ascii_digit())?..)?;
    let run = |text: &str, is_in: fn(&u8) -> bool| text.bytes().take_while(is_in).count();
    let digits = run(piece, u8::is_ascii_digit);
    let letters = run(piece.get(digits..)?, u8::is_ascii_alphabetic);
    match (digits, letters) {
        (..=DIGITS_MAX, ..=LETTERS_MAX) => Some(piece),
        (..=DIGITS_MAX, _) => piece.get(..digits),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> Said {
        of(Some(&ReportedHead { major: None, minor: Some(text.into()) }))
    }

    #[test]
    fn heads_say_it_in_every_language_and_spelling() {
        for head in [
            "Rape",
            "R A P E",
            "Ｒａｐｅ",
            "rapist",
            "Sodomy",
            "Incest",
            "gang-rape",
            "बलत्कार",
            "बलात्कार",
            "दुष्कर्म",
            "यौन शोषण",
            "ಅತ್ಯಾಚಾರ",
            "பாலியல் வன்புணர்வு",
            "అత్యాచారం",
            "ബലാത്സംഗം",
            "બળાત્કાર",
            "ਬਲਾਤਕਾਰ",
            "ধর্ষণ",
            "ধৰ্ষণ",
            "ବଳାତ୍କାର",
            "عصمت دری",
            "Sexsual assault",
            "Sex offence",
            "SEX CRIME",
            "Indecent assault",
            "376",
            "376 IPC",
            "IPC376",
            "u/s 376(2)(n) IPC",
            "U/S 64 BNS",
            "U/s.64BNS",
            "धारा ३७६ भादवि",
            "354/376",
        ] {
            assert!(said(head).offences.is_sexual, "{head}");
        }
        for head in [
            "Rape of minor",
            "Nabalig",
            "नाबालिक",
            "Kidnapping, 363 IPC",
            "Balika",
            "BNS 143(4)",
            "Cruelty to chidren",
        ] {
            assert!(said(head).offences.is_about_children, "{head}");
        }
        for head in [
            "UAPA",
            "Unlawful Activities",
            "Terrorist act",
            "Sedition",
            "Official Secrets",
            "Offisial Secrets",
            "Offences against the State",
            "u/s 113 BNS",
            "BNS 152",
            "IPC 121A",
            "राजद्रोह",
            "आतंकवादी कृत्य",
        ] {
            assert!(said(head).offences.is_restricted, "{head}");
        }
    }

    #[test]
    fn other_heads_are_told_and_not_protected() {
        for head in [
            "THEFT",
            "Unnatural death",
            "Motor accident",
            "House breaking by night",
            "379 IPC",
            "147 IPC",
            "Criminal breach of trust",
            "वाहन चोरी",
            "Theft 12",
            "MISSING PERSON",
        ] {
            assert_eq!(said(head), Said { offences: Offences::default(), is_told: true }, "{head}");
        }
        for head in [
            "दो पक्षों में झगड़ा",
            "Picketing",
            "Gang R8pe",
            "Other IPC crimes",
            "Crime against women",
            "Personal secretary",
            "Tourism",
            "2024",
        ] {
            assert_eq!(said(head), Said::default(), "{head}");
        }
        assert_eq!(of(None), Said::default());
    }
}
