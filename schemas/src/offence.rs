//! Acts and crime heads: `offences/acts.csv` and `offences/heads.csv`.
//!
//! A section of the IPC (offences before 1 July 2024), of the BNS or of a special law leads to a head; the
//! head leads to the equivalent sections, a severity and names. Taking a source's section string apart is
//! the producer's business. Acts are an open vocabulary: one that the table lacks stays as it is written.

use serde::{Deserialize, Deserializer};
use std::collections::HashMap;
use std::sync::LazyLock;

const ACTS: &str = include_str!("../offences/acts.csv");
const HEADS: &str = include_str!("../offences/heads.csv");

/// A statute.
#[derive(Debug, Deserialize)]
pub struct Act {
    /// Code, for example `IPC`.
    pub code: String,
    /// Name in English.
    pub name_en: String,
    /// Name in Hindi.
    pub name_hi: String,
    #[serde(deserialize_with = "separated")]
    aliases: Vec<String>,
}

/// A crime head.
#[derive(Debug, Deserialize)]
pub struct Head {
    /// Code, for example `THEFT`.
    pub head: String,
    /// Sections of the Indian Penal Code 1860.
    #[serde(deserialize_with = "separated")]
    pub ipc: Vec<String>,
    /// Sections of the Bharatiya Nyaya Sanhita 2023.
    #[serde(deserialize_with = "separated")]
    pub bns: Vec<String>,
    /// Sections of special laws as `ACT:section`, `ACT:*` for all of an act.
    #[serde(deserialize_with = "separated")]
    pub special: Vec<String>,
    /// Severity, 1 (least) to 5 (gravest). An order for sorting and alerting, not a statement of law.
    pub severity: i32,
    /// Class of withholding that the head falls under: empty, `SEXUAL` or `RESTRICTED`.
    pub withholding: String,
    /// Name in English.
    pub label_en: String,
    /// Name in Hindi.
    pub label_hi: String,
}

fn separated<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let text = String::deserialize(deserializer)?;
    Ok(text.split(';').map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect())
}

struct Tables {
    acts: Vec<Act>,
    act_by_alias: HashMap<String, usize>,
    heads: Vec<Head>,
    head_by_section: HashMap<(String, String), usize>,
}

static TABLES: LazyLock<Tables> = LazyLock::new(Tables::build);

impl Tables {
    #[expect(clippy::expect_used, reason = "the tables are compiled in and a test reads them")]
    fn build() -> Self {
        let acts: Vec<Act> = rows(ACTS).expect("offences/acts.csv is well formed");
        let heads: Vec<Head> = rows(HEADS).expect("offences/heads.csv is well formed");
        let mut act_by_alias = HashMap::new();
        for (i, act) in acts.iter().enumerate() {
            for alias in act.aliases.iter().chain([&act.code, &act.name_en, &act.name_hi]) {
                act_by_alias.insert(fold(alias), i);
            }
        }
        let mut head_by_section = HashMap::new();
        for (i, head) in heads.iter().enumerate() {
            let ipc = head.ipc.iter().map(|section| ("IPC", section.as_str()));
            let bns = head.bns.iter().map(|section| ("BNS", section.as_str()));
            let special = head.special.iter().filter_map(|text| text.split_once(':'));
            for (act, section) in ipc.chain(bns).chain(special) {
                head_by_section.insert((act.to_owned(), section.to_owned()), i);
            }
        }
        Self { acts, act_by_alias, heads, head_by_section }
    }
}

fn rows<T: serde::de::DeserializeOwned>(table: &str) -> Result<Vec<T>, csv::Error> {
    csv::Reader::from_reader(table.as_bytes()).into_deserialize().collect()
}

/// Folds what people vary when they write an act's name: case, dots, commas, white space.
fn fold(name: &str) -> String {
    name.chars()
        .filter(|c| !c.is_whitespace() && !matches!(c, '.' | ','))
        .flat_map(char::to_uppercase)
        .collect()
}

impl Act {
    /// Every act of the table.
    #[must_use]
    pub fn all() -> &'static [Self] {
        &TABLES.acts
    }

    /// The act that a source's name or abbreviation stands for; `None` where the table lacks it.
    #[must_use]
    pub fn by_name(name: &str) -> Option<&'static Self> {
        TABLES.act_by_alias.get(&fold(name)).and_then(|i| TABLES.acts.get(*i))
    }
}

impl Head {
    /// Every head of the table.
    #[must_use]
    pub fn all() -> &'static [Self] {
        &TABLES.heads
    }

    /// A head by its code.
    #[must_use]
    pub fn by_code(code: &str) -> Option<&'static Self> {
        TABLES.heads.iter().find(|head| head.head == code)
    }

    /// The head that a section falls under: the section itself, else the section it is part of
    /// (`376(2)(n)` is under `376`), else the act as a whole. `None` where no table knows it.
    #[must_use]
    pub fn of(act: &str, section: &str) -> Option<&'static Self> {
        let find = |section: &str| {
            let i = TABLES.head_by_section.get(&(act.to_owned(), section.to_owned()))?;
            TABLES.heads.get(*i)
        };
        let section = normal_section(section);
        let parents =
            std::iter::successors(Some(section.as_str()), |s| s.rsplit_once('(').map(|(parent, _)| parent));
        parents.into_iter().find_map(find).or_else(|| find("*"))
    }
}

/// A section in one spelling: no white space, letters of inserted sections in capitals without brackets
/// (`304(A)` and `304a` are `304A`), sub-clauses in small letters (`20(B)` is `20(b)`).
#[must_use]
pub fn normal_section(section: &str) -> String {
    let compact: String = section.chars().filter(|c| !c.is_whitespace()).collect();
    let digits: String = compact.chars().take_while(char::is_ascii_digit).collect();
    let rest = compact.strip_prefix(digits.as_str()).unwrap_or_default();
    let bracketed = rest.strip_prefix('(').and_then(|tail| tail.split_once(')'));
    match bracketed {
        Some((letter, tail)) if is_inserted(&digits, letter) => {
            format!("{digits}{}{}", letter.to_uppercase(), tail.to_lowercase())
        }
        _ => {
            let plain = rest.find('(').unwrap_or(rest.len());
            let (letters, clauses) = rest.split_at(plain);
            format!("{digits}{}{}", letters.to_uppercase(), clauses.to_lowercase())
        }
    }
}

/// Whether `364(A)` means the inserted section 364A: only where such a section is in the tables and the
/// letter was written as a capital.
fn is_inserted(digits: &str, letter: &str) -> bool {
    !letter.is_empty()
        && letter.chars().all(|c| c.is_ascii_uppercase())
        && TABLES.head_by_section.contains_key(&("IPC".to_owned(), format!("{digits}{letter}")))
        || digits == "66" && matches!(letter, "C" | "D")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(act: &str, section: &str) -> Option<&'static str> {
        Head::of(act, section).map(|head| head.head.as_str())
    }

    #[test]
    fn sections_lead_to_heads() {
        assert_eq!(head("IPC", "379"), Some("THEFT"));
        assert_eq!(head("BNS", "303(2)"), Some("THEFT"));
        assert_eq!(head("IPC", "376(2)(n)"), Some("RAPE"));
        assert_eq!(head("IPC", "376(3)"), Some("RAPE_MINOR_U16"));
        assert_eq!(head("BNS", "103(2)"), Some("MURDER_MOB"));
        assert_eq!(head("NDPS", "20(b)"), Some("NARCOTICS"));
        assert_eq!(head("IPC", "9999"), None);
        assert_eq!(head("KARNATAKA HIGHWAY ACT", "3"), None);
        assert_eq!(head("BNS", "303"), None, "a whole section is not its sub-section");
    }

    #[test]
    fn spellings_of_a_section() {
        for (written, normal) in [
            ("304(A)", "304A"),
            ("304a", "304A"),
            (" 20 (B) ", "20(b)"),
            ("3(1)(r)(s)", "3(1)(r)(s)"),
            ("66(C)", "66C"),
            ("3(5)", "3(5)"),
        ] {
            assert_eq!(normal_section(written), normal);
        }
        assert_eq!(head("IPC", "304(A)"), Some("DEATH_BY_NEGLIGENCE"));
    }

    #[test]
    fn acts_by_their_many_names() {
        for (name, code) in [
            ("IPC 1860", "IPC"),
            ("भादवि", "IPC"),
            ("NARCOTIC DRUGS & PSYCHOTROPIC SUBSTANCES ACT, 1985", "NDPS"),
            ("Indian Motor Vehicles Act 1988", "MV"),
        ] {
            assert_eq!(Act::by_name(name).map(|act| act.code.as_str()), Some(code), "{name}");
        }
        assert!(Act::by_name("no such act").is_none());
    }

    #[test]
    fn the_tables_are_sound() {
        for head in Head::all() {
            assert!((1..=5).contains(&head.severity), "{}", head.head);
            assert!(!head.label_en.is_empty() && !head.label_hi.is_empty(), "{}", head.head);
            assert!(matches!(head.withholding.as_str(), "" | "SEXUAL" | "RESTRICTED"), "{}", head.head);
            for special in &head.special {
                let act = special.split_once(':').map(|(act, _)| act).unwrap();
                assert!(Act::all().iter().any(|known| known.code == act), "{special}");
            }
        }
        assert!(Head::all().len() >= 76);
    }
}
