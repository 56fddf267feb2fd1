//! Taking one column apart with patterns: `{number:digits}/{year:digits}` makes two columns of `0008/2016`.
//!
//! A pattern fits the whole text or not at all. `{name}` takes what stands before the next literal, `{name:digits}` a
//! run of digits (those of India's scripts become Latin ones), `{_}` takes anything and forgets it. There is no backtracking,
//! so the work grows with the length of the text and no further.

use std::collections::BTreeMap;
use std::fmt;

use sanchar_schemas::characters::digit;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::column::{Column, NamesColumns, Use, Visit};
use super::field::{Scalar, Source};
use crate::reason::{Problem, Reason};
use crate::text::squeeze;

/// A column that patterns take apart; each name in a pattern becomes a column of its own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parts {
    /// The column to take apart.
    pub column: Column,
    /// Patterns, tried in order. A text that none fits sends the row to quarantine.
    pub patterns: Vec<Case>,
}

/// One pattern, and further columns to fill where it fits.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Case {
    /// The pattern.
    pub text: Pattern,
    /// Values of further columns.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub set: BTreeMap<String, Scalar>,
}

/// A pattern, taken apart.
#[derive(Clone, PartialEq, Eq)]
pub struct Pattern {
    text: String,
    pieces: Vec<Piece>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Literal(String),
    Any(String),
    Digits(String),
    Ignored,
}

impl Parts {
    /// The names that the patterns make, each once, in order.
    pub(crate) fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for case in &self.patterns {
            let captured = case.text.pieces.iter().filter_map(Piece::name);
            for name in captured.chain(case.set.keys().map(String::as_str)) {
                if !names.contains(&name) {
                    names.push(name);
                }
            }
        }
        names
    }

    /// The values of [`Parts::names`] in a row; all empty where the column is.
    pub(crate) fn values(&self, source: Source<'_>) -> Result<Vec<String>, Problem> {
        let text = squeeze(source.cells.get(&self.column));
        let names = self.names();
        if text.is_empty() || source.null_values.iter().any(|null| *null == text) {
            return Ok(vec![String::new(); names.len()]);
        }
        let fits = self.patterns.iter().find_map(|case| case.text.captures(&text).map(|found| (case, found)));
        let (case, found) = fits.ok_or_else(|| {
            Problem::new(Reason::PatternMismatch, "fits none of the patterns that take it apart")
        })?;
        let value = |name: &&str| {
            let captured = found.iter().find(|(known, _)| known == name).map(|(_, text)| text.clone());
            captured.or_else(|| case.set.get(*name).map(|set| set.0.clone())).unwrap_or_default()
        };
        Ok(names.iter().map(value).collect())
    }
}

impl NamesColumns for Parts {
    fn each_column(&mut self, visit: &mut Visit<'_>) {
        visit.column(&mut self.column, Use::Looked);
    }
}

impl Piece {
    fn name(&self) -> Option<&str> {
        match self {
            Self::Any(name) | Self::Digits(name) => Some(name),
            Self::Literal(_) | Self::Ignored => None,
        }
    }
}

impl Pattern {
    /// Takes a pattern apart.
    ///
    /// # Errors
    /// What is wrong with it, as a sentence.
    pub fn new(text: &str) -> Result<Self, String> {
        let mut pieces = Vec::new();
        let squeezed = squeeze(text);
        let mut rest = squeezed.as_ref();
        while !rest.is_empty() {
            let (literal, tail) = rest.split_once('{').unwrap_or((rest, ""));
            if !literal.is_empty() {
                pieces.push(Piece::Literal(literal.to_owned()));
            }
            if literal.len() == rest.len() {
                break;
            }
            let (name, tail) =
                tail.split_once('}').ok_or_else(|| format!("the pattern `{text}` has no `}}`"))?;
            pieces.push(Piece::new(name).ok_or_else(|| {
                format!("the pattern `{text}` has `{{{name}}}`: write {{name}}, {{name:digits}} or {{_}}")
            })?);
            rest = tail;
        }
        let greedy = |piece: &Piece| matches!(piece, Piece::Any(_) | Piece::Ignored);
        if pieces
            .windows(2)
            .any(|pair| matches!(pair, [a, b] if greedy(a) && !matches!(b, Piece::Literal(_))))
        {
            return Err(format!("the pattern `{text}` has two parts side by side: put a text between them"));
        }
        if !pieces.iter().any(|piece| piece.name().is_some()) {
            return Err(format!(
                "the pattern `{text}` takes nothing: give a part a name, as in {{number:digits}}"
            ));
        }
        Ok(Self { text: text.to_owned(), pieces })
    }

    /// Names and texts of the parts, if the whole text fits.
    fn captures(&self, text: &str) -> Option<Vec<(&str, String)>> {
        let mut found = Vec::new();
        let mut rest = text;
        for (i, piece) in self.pieces.iter().enumerate() {
            match piece {
                Piece::Literal(literal) => rest = rest.strip_prefix(literal.as_str())?,
                Piece::Digits(name) => {
                    let digits: String = rest.chars().map_while(digit).collect();
                    rest = rest.trim_start_matches(|c| digit(c).is_some());
                    found.push((name.as_str(), Some(digits).filter(|digits| !digits.is_empty())?));
                }
                Piece::Any(_) | Piece::Ignored => {
                    let end = match self.pieces.get(i + 1) {
                        Some(Piece::Literal(literal)) => rest.find(literal.as_str())?,
                        _ => rest.len(),
                    };
                    let (taken, tail) = rest.split_at_checked(end)?;
                    rest = tail;
                    if let Piece::Any(name) = piece {
                        found.push((name.as_str(), Some(taken.trim()).filter(|t| !t.is_empty())?.to_owned()));
                    }
                }
            }
        }
        rest.is_empty().then_some(found)
    }
}

impl Piece {
    fn new(text: &str) -> Option<Self> {
        let is_name = |name: &str| !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_');
        match text.split_once(':') {
            _ if text == "_" => Some(Self::Ignored),
            None if is_name(text) => Some(Self::Any(text.to_owned())),
            Some((name, "digits")) if is_name(name) => Some(Self::Digits(name.to_owned())),
            _ => None,
        }
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.text)
    }
}

impl Serialize for Pattern {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for Pattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

impl<'de> Deserialize<'de> for Case {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(CaseVisitor)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CaseTable {
    text: Pattern,
    #[serde(default)]
    set: BTreeMap<String, Scalar>,
}

struct CaseVisitor;

impl<'de> de::Visitor<'de> for CaseVisitor {
    type Value = Case;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a pattern, or a table with `text` and `set`")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Case, E> {
        Pattern::new(text).map(|text| Case { text, set: BTreeMap::new() }).map_err(E::custom)
    }

    fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<Case, A::Error> {
        let CaseTable { text, set } = CaseTable::deserialize(de::value::MapAccessDeserializer::new(map))?;
        Ok(Case { text, set })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn captures(pattern: &str, text: &str) -> Option<Vec<String>> {
        let pattern = Pattern::new(pattern).unwrap();
        pattern.captures(text).map(|found| found.into_iter().map(|(_, text)| text).collect())
    }

    #[test]
    fn a_pattern_fits_whole_texts() {
        let fir = "{number:digits}/{year:digits}";
        assert_eq!(captures(fir, "0008/2016"), Some(vec!["0008".into(), "2016".into()]));
        for written in ["९७/१८", "೯೭/೧೮", "৯৭/১৮"] {
            assert_eq!(captures(fir, written), Some(vec!["97".into(), "18".into()]), "{written}");
        }
        for damaged in ["Feb-18", "43313", "97/", "/18", "97/18 ", "मर्ग क्रं. 06/18", "97/18/2"]
        {
            assert_eq!(captures(fir, damaged), None, "{damaged}");
        }
        let span = "{date} {from} के {to} बीच";
        let found = captures(span, "25-02-18 16:30 के 19:45 बीच");
        assert_eq!(found, Some(vec!["25-02-18".into(), "16:30".into(), "19:45".into()]));
        assert_eq!(captures(span, "16:30 के 19:45 बीच"), None, "a time without a date");
        assert_eq!(captures("{a}, {_}", "X, X"), Some(vec!["X".into()]));
    }

    #[test]
    fn patterns_that_cannot_work_are_refused() {
        for (pattern, part) in [
            ("{a", "has no `}`"),
            ("{a:letters}", "write {name}"),
            ("{}", "write {name}"),
            ("{a}{b}", "side by side"),
            ("plain", "takes nothing"),
        ] {
            let error = Pattern::new(pattern).unwrap_err();
            assert!(error.contains(part), "{error}");
        }
    }

    #[test]
    fn the_first_pattern_that_fits_also_sets_columns() {
        let text = "column = 'a'
            patterns = [
                { text = '{number:digits}/{year:digits}', set = { register = 'FIR' } },
                { text = 'मर्ग क्रं. {number:digits}/{year:digits}', set = { register = 'INQUEST' } },
            ]";
        let mut parts: Parts = toml::from_str(text).unwrap();
        let columns = super::super::column::Columns::new(["a"]);
        parts.each_column(&mut Visit::new("p", &mut |path, column, _| {
            columns.bind(column, path, "test").unwrap();
        }));
        assert_eq!(parts.names(), ["number", "year", "register"]);
        let values = |cell: &str| {
            let cells = super::super::field::Cells(vec![cell.into()]);
            let zone = super::super::time::Zone::india().0;
            parts
                .values(Source { cells: &cells, null_values: &["--".to_owned()], zone })
                .map_err(|p| p.reason)
        };
        assert_eq!(values(" मर्ग  क्रं. 06/18 "), Ok(vec!["06".into(), "18".into(), "INQUEST".into()]));
        assert_eq!(values("97/18"), Ok(vec!["97".into(), "18".into(), "FIR".into()]));
        assert_eq!(values("--"), Ok(vec![String::new(), String::new(), String::new()]));
        assert_eq!(values("Feb-18"), Err(Reason::PatternMismatch));
    }
}
