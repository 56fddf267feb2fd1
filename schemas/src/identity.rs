//! How a record and an event are named: `record_id`, case key, content hash, `event_id`.
//!
//! The names are derived from content alone, so that the same row pulled twice, by two machines or after a
//! restart, is the same event. Where the parts come from is the producer's mapping, not this module.

use crate::canonical;
use crate::digest::{Sha256, push_hex};
use crate::event::CrimeEvent;
use crate::state::StateCode;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt;

/// The longest record id that is accepted, in bytes.
pub const RECORD_ID_BYTES_MAX: usize = 256;

/// Name of a source's record for ever: `state/police station/year/FIR number/part`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RecordId {
    text: String,
    state: StateCode,
}

/// Why a text is not a record id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecordIdError {
    /// Not five parts.
    #[error("a record id has five parts: state/police station/year/FIR number/part")]
    Shape,
    /// One part is empty or is not in the one spelling that a name has.
    #[error(
        "the {0} of a record id must not be empty; write it in unicode nfc with single blanks inside, none at its ends, \
         and no slash, control character or invisible joiner"
    )]
    Part(&'static str),
    /// The third part is no year.
    #[error("the year of a record id has four digits")]
    Year,
    /// The first part is no state.
    #[error("a record id starts with the state's ISO 3166-2 code, written as today: IN-DL")]
    State,
    /// Longer than [`RECORD_ID_BYTES_MAX`].
    #[error("a record id has at most {RECORD_ID_BYTES_MAX} bytes")]
    Length,
}

impl RecordId {
    /// Builds a record id from its parts. `part` tells apart several records of one FIR, for example `fir`.
    ///
    /// # Errors
    /// When a part is not in the one spelling that [`RecordIdError`] describes, or the whole is too long.
    pub fn new(
        state: StateCode,
        station: &str,
        year: i32,
        number: &str,
        part: &str,
    ) -> Result<Self, RecordIdError> {
        check_parts(station, number, part)?;
        let mut text = String::with_capacity(24 + station.len() + number.len() + part.len());
        text.push_str(state.as_str());
        text.push('/');
        text.push_str(station);
        text.push('/');
        push_number(&mut text, year.into());
        for part in [number, part] {
            text.push('/');
            text.push_str(part);
        }
        match text.len() {
            ..=RECORD_ID_BYTES_MAX if (1_000..=9_999).contains(&year) => Ok(Self { text, state }),
            ..=RECORD_ID_BYTES_MAX => Err(RecordIdError::Year),
            _ => Err(RecordIdError::Length),
        }
    }

    /// Checks a text.
    ///
    /// # Errors
    /// When it does not have the shape of a record id.
    pub fn parse(text: String) -> Result<Self, RecordIdError> {
        if text.len() > RECORD_ID_BYTES_MAX {
            return Err(RecordIdError::Length);
        }
        let parts: Vec<&str> = text.split('/').collect();
        let [code, station, year, number, part] = *parts.as_slice() else { return Err(RecordIdError::Shape) };
        let state = code.parse::<StateCode>().ok().filter(|state| state.as_str() == code);
        let state = state.ok_or(RecordIdError::State)?;
        check_parts(station, number, part)?;
        if year.len() != 4 || !year.bytes().all(|digit| digit.is_ascii_digit()) {
            return Err(RecordIdError::Year);
        }
        Ok(Self { text, state })
    }

    /// The whole id.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The state that owns the record.
    #[must_use]
    pub const fn state(&self) -> StateCode {
        self.state
    }

    /// Key of the case: the id without its last part. The Kafka key, so that a case keeps its order.
    #[must_use]
    pub fn case_key(&self) -> &str {
        self.text.rsplit_once('/').map_or(self.as_str(), |(case, _part)| case)
    }
}

fn check_parts(station: &str, number: &str, part: &str) -> Result<(), RecordIdError> {
    let mut parts = [("police station", station), ("FIR number", number), ("part", part)].into_iter();
    let bad = parts.find(|(_, text)| !is_one_spelling(text));
    bad.map_or(Ok(()), |(name, _)| Err(RecordIdError::Part(name)))
}

/// Whether a part is written in the one way that its name has, as far as that shows without Unicode's tables:
/// two spellings that look alike would be two records.
fn is_one_spelling(part: &str) -> bool {
    let mut previous = ' ';
    // Most parts are plain numbers.
    if !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return true;
    }
    for c in part.chars() {
        let is_refused = match c {
            ' ' => previous == ' ',
            '/' => true,
            ..='\u{7f}' => c.is_ascii_control(),
            '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}' => true, // invisible
            '\u{958}'..='\u{95f}' => true, // never in nfc: Devanagari letters with a nukta built in
            _ => c.is_control() || c.is_whitespace(),
        };
        if is_refused {
            return false;
        }
        previous = c;
    }
    previous != ' '
}

impl fmt::Display for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

impl fmt::Debug for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Serialize for RecordId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for RecordId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

/// Fields that name or time the event and are no content.
const NOT_CONTENT: [&str; 5] = ["event_id", "revision", "content_hash", "source_sha256", "published_at"];

/// The event's canonical content: its JSON without [`NOT_CONTENT`], without null, empty lists and objects
/// that hold nothing, written as RFC 8785 says. Since absent and null are the same, an optional field that
/// a later version of the schema adds does not change the content of events that lack it.
#[must_use]
#[expect(clippy::expect_used, reason = "every type of the record is written, which the golden records show")]
pub fn canonical_content(event: &CrimeEvent) -> String {
    canonical::to_string(event, &NOT_CONTENT).expect("an event is made of types that canonical JSON knows")
}

/// SHA-256 of the [`canonical_content`] in UTF-8.
#[must_use]
pub fn content_hash(event: &CrimeEvent) -> Sha256 {
    Sha256::of(canonical_content(event).as_bytes())
}

/// Identity of an event: a UUID (RFC 9562, version 8) made of the first 16 bytes of the SHA-256 of
/// `record_id LF revision LF content_hash` (decimal, hexadecimal).
#[must_use]
pub fn event_id(record_id: &RecordId, revision: i64, content_hash: &Sha256) -> String {
    let mut name = String::with_capacity(RECORD_ID_BYTES_MAX);
    name.push_str(record_id.as_str());
    name.push('\n');
    push_number(&mut name, revision);
    name.push('\n');
    content_hash.push_hex(&mut name);
    let Sha256(mut digest) = Sha256::of(name.as_bytes());
    let [_, _, _, _, _, _, version, _, variant, ..] = &mut digest;
    *version = *version & 0x0f | 0x80; // version 8
    *variant = *variant & 0x3f | 0x80; // variant of RFC 9562
    let mut id = String::with_capacity(36);
    for (i, byte) in digest.iter().take(16).enumerate() {
        if matches!(i, 4 | 6 | 8 | 10) {
            id.push('-');
        }
        push_hex(&mut id, *byte);
    }
    id
}

/// Appends a number in decimal digits, as formatting it would at several times the price.
fn push_number(text: &mut String, number: i64) {
    let mut digits = [0; 20];
    let mut left = number.unsigned_abs();
    let mut from = digits.len();
    for place in digits.iter_mut().rev() {
        *place = b'0' + u8::try_from(left % 10).unwrap_or_default();
        left /= 10;
        from -= 1;
        if left == 0 {
            break;
        }
    }
    if number < 0 {
        text.push('-');
    }
    text.extend(digits.iter().skip(from).copied().map(char::from));
}

impl CrimeEvent {
    /// Computes `content_hash` and `event_id` from the rest. The last step before an event is encoded.
    #[must_use]
    pub fn sealed(mut self) -> Self {
        self.content_hash = content_hash(&self);
        self.event_id = event_id(&self.record_id, self.revision, &self.content_hash);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(code: &str) -> StateCode {
        code.parse().unwrap()
    }

    #[test]
    fn a_record_id_has_five_parts_and_a_case_key() {
        let id = RecordId::new(state("IN-KA"), "1245", 2016, "0008", "fir").unwrap();
        assert_eq!(id.as_str(), "IN-KA/1245/2016/0008/fir");
        assert_eq!(id.case_key(), "IN-KA/1245/2016/0008");
        assert_eq!(id.state(), state("IN-KA"));
        assert!(RecordId::new(state("IN-MP"), "विजयनगर", 2018, "97", "fir").is_ok());
    }

    #[test]
    fn bad_record_ids_are_refused() {
        let ka = state("IN-KA");
        assert_eq!(RecordId::new(ka, "", 2016, "8", "fir"), Err(RecordIdError::Part("police station")));
        assert_eq!(RecordId::new(ka, "1245", 2016, "8/9", "fir"), Err(RecordIdError::Part("FIR number")));
        assert_eq!(
            RecordId::new(ka, "12\x0045", 2016, "8", "fir"),
            Err(RecordIdError::Part("police station"))
        );
        assert_eq!(RecordId::parse("IN-KA/1/2/3".into()), Err(RecordIdError::Shape));
        assert_eq!(RecordId::parse("IN-OR/1/2/3/fir".into()), Err(RecordIdError::State));
        assert_eq!(RecordId::new(ka, &"x".repeat(300), 2016, "8", "fir"), Err(RecordIdError::Length));
        for year in [-16, 16, 999, 10_000] {
            assert_eq!(RecordId::new(ka, "1245", year, "8", "fir"), Err(RecordIdError::Year), "{year}");
        }
    }

    #[test]
    fn a_name_has_one_spelling() {
        let mp = state("IN-MP");
        for station in ["राऊ", "थाना खजराना", "आज़ाद नगर", "P.S. No 4", "12 45"]
        {
            assert!(RecordId::new(mp, station, 2018, "97", "fir").is_ok(), "{station}");
        }
        for station in [
            " 1245",
            "1245 ",
            "1245\n",
            "12\u{0}45",
            "MG  Road",
            "MG\u{a0}Road",
            "MG\tRoad",
            "\u{feff}1245",
            "आ\u{95b}ाद नगर",
            "क्\u{200d}षेत्र",
            "",
        ] {
            let refused = Err(RecordIdError::Part("police station"));
            assert_eq!(RecordId::new(mp, station, 2018, "97", "fir"), refused, "{station:?}");
            assert_eq!(RecordId::parse(format!("IN-MP/{station}/2018/97/fir")), refused, "{station:?}");
        }
    }

    #[test]
    fn an_event_id_is_a_version_8_uuid_of_its_three_parts() {
        let id = RecordId::new(state("IN-KA"), "1245", 2016, "0008", "fir").unwrap();
        let hash = Sha256::of(b"content");
        let uuid = event_id(&id, 7, &hash);
        assert_eq!(uuid.len(), 36);
        assert_eq!(uuid.as_bytes()[14], b'8');
        assert!(b"89ab".contains(&uuid.as_bytes()[19]));
        assert_eq!(uuid, event_id(&id, 7, &hash));
        assert_ne!(uuid, event_id(&id, 8, &hash));
        assert_ne!(uuid, event_id(&id, 7, &Sha256::of(b"other")));
    }
}
