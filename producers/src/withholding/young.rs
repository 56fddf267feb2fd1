//! What says beside an age in years that somebody is a child: a boy's title, a class at school, a bare number behind a name or beside the
//! letter of a sex.
//!
//! Words alone are in `words.toml`, ages that are told as such in [`super::ages`].

use super::ages::ADULT_YEARS;
use super::fold::{is_of_word, words};
use super::words::tables;

/// Smaller bare numbers count things.
const AGE_MIN: i32 = 3;
/// Highest class at school.
const CLASS_MAX: i32 = 12;
/// What makes a number that of a class: `8th`.
const ORDINALS: [&str; 6] = ["st", "nd", "rd", "th", "वीं", "वी"];

/// Whether a folded name, or what is said of a person beside it, is that of a child.
pub(super) fn is_in_name(text: &str) -> bool {
    let title = &tables().title;
    let is_titled = || {
        let mut words = words(text);
        words.next().is_some_and(|first| title.boys.contains(first)) && words.next().is_some()
    };
    let has_bare_age = || {
        let tokens = Tokens::of(text);
        tokens.ages().any(|at| {
            (tokens.at(at, -1) == "(" && tokens.at(at, 1) == ")")
                || [-1, 1].iter().any(|way| title.sexes.contains(tokens.beside(at, *way)))
                || tables().age.persons.contains(tokens.beside(at, -1))
        })
    };
    is_titled() || (has_digit(text) && has_bare_age()) || has_class(text)
}

/// Whether folded running text tells of one: `girl (15)`, `the 15 yr girl`, `student of class 9`.
pub(super) fn is_in_prose(text: &str) -> bool {
    let age = &tables().age;
    let tells = || {
        let tokens = Tokens::of(text);
        tokens.ages().any(|at| {
            // "the girl 12 houses away" has no sign between.
            let is_behind = matches!(tokens.at(at, -1), "(" | "," | "/" | "-")
                && age.persons.contains(tokens.beside(at, -1));
            let years = tokens.beside(at, 1);
            is_behind || (age.years.contains(years) && age.persons.contains(tokens.second(at)))
        })
    };
    (has_digit(text) && tells()) || has_class(text)
}

/// Whether a child's class at school stands in a folded text, and not the class of an employee.
fn has_class(text: &str) -> bool {
    let school = &tables().school;
    if !words(text).any(|word| school.classes.contains(word)) {
        return false;
    }
    let tokens = Tokens::of(text);
    let is_class = |at: usize| {
        let (behind, after_it) = (tokens.beside(at, 1), tokens.second(at));
        let before = match tokens.beside(at, -1) {
            ordinal if ORDINALS.contains(&ordinal) => tokens.beside(at.saturating_sub(1), -1),
            word if word.len() > 1 || has_digit(word) => word,
            _ => "",
        };
        (is_of_school(behind) && !school.not.contains(after_it))
            || (is_of_school(before) && !school.not.contains(behind))
    };
    (0..tokens.0.len()).any(|at| school.classes.contains(tokens.at(at, 0)) && is_class(at))
}

fn is_of_school(word: &str) -> bool {
    tables().school.numbers.contains(word)
        || word.parse::<i32>().is_ok_and(|class| (1..=CLASS_MAX).contains(&class))
}

fn has_digit(text: &str) -> bool {
    text.bytes().any(|byte| byte.is_ascii_digit())
}

/// A text in words, numbers and signs, without blanks.
struct Tokens<'t>(Vec<&'t str>);

impl<'t> Tokens<'t> {
    fn of(text: &'t str) -> Self {
        let mut tokens = Vec::new();
        let mut from = 0;
        let class = |c: char| match c {
            '0'..='9' => 0,
            _ if is_of_word(c) => 1,
            _ => 2,
        };
        let mut last = 2;
        for (at, c) in text.char_indices() {
            if class(c) != last || class(c) == 2 {
                tokens.extend(text.get(from..at));
                from = at;
            }
            last = class(c);
        }
        tokens.extend(text.get(from..));
        Self(tokens.into_iter().filter(|token| !token.trim().is_empty()).collect())
    }

    /// Positions of bare numbers that may be the age of a child, in years.
    fn ages(&self) -> impl Iterator<Item = usize> {
        let is_age =
            |token: &str| token.parse::<i32>().is_ok_and(|age| (AGE_MIN..ADULT_YEARS).contains(&age));
        self.0
            .iter()
            .enumerate()
            .filter(move |(_, token)| token.len() <= 2 && is_age(token))
            .map(|(at, _)| at)
    }

    /// The token so many places from another; empty where there is none.
    fn at(&self, at: usize, way: isize) -> &'t str {
        at.checked_add_signed(way).and_then(|at| self.0.get(at)).copied().unwrap_or_default()
    }

    /// The word or number next to a token, before it or behind it, whatever signs stand between.
    fn beside(&self, at: usize, way: isize) -> &'t str {
        let steps = (1..).map(|step| self.at(at, way * step));
        steps
            .take_while(|token| !token.is_empty())
            .find(|token| token.chars().all(is_of_word))
            .unwrap_or_default()
    }

    /// The second word behind a token.
    fn second(&self, at: usize) -> &'t str {
        let behind = self.0.iter().skip(at + 1).filter(|token| token.chars().all(is_of_word));
        behind.copied().nth(1).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::super::fold::folded;
    use super::*;

    #[test]
    fn a_child_without_a_word_on_years() {
        for text in [
            "Ramxyz (12)",
            "Ramxyz, M/12",
            "12 M",
            "F-14",
            "Sitaxyz 14/F",
            "son (12)",
            "daughter 9",
            "Master Ramxyz",
            "student of class 7, DAV school",
            "std VIII student",
            "8th class student",
            "छात्रा कक्षा 8",
            "कक्षा ८ का छात्र",
            "Class-X",
        ] {
            assert!(is_in_name(&folded(text)), "{text}");
        }
        for text in [
            "Ramxyz (34)",
            "M/32",
            "Master",
            "Post Master Ramxyz",
            "Ramxyz (1)",
            "class IV employee",
            "Class 4 employee",
            "4th class employee",
            "A class contractor",
            "tall, 170 cm",
            "H.No. 12 Sector 4",
        ] {
            assert!(!is_in_name(&folded(text)), "{text}");
        }
    }

    #[test]
    fn running_text_tells_of_one() {
        for text in [
            "girl (15) was followed",
            "a girl, 15, was taken",
            "the 15 yr girl",
            "the 15-year boy",
            "a girl of class 9",
        ] {
            assert!(is_in_prose(&folded(text)), "{text}");
        }
        for text in [
            "the girl 12 houses away",
            "on 12-03-2024 at 14:30",
            "girl (25)",
            "a class IV employee",
            "12 boys",
            "for 3 years a woman",
            "",
        ] {
            assert!(!is_in_prose(&folded(text)), "{text}");
        }
    }
}
