//! A dead letter: the record as it came, and what its headers say of why it is here (KIP-1191 and our own).
//! It takes nothing for granted: a letter whose headers are damaged is shown, and sent nowhere.

use sanchar_schemas::headers;
use sanchar_schemas::topics::{Topic, TopicSpace};

use super::place::{InputPlace, Place};
use crate::reader::Record;
use crate::text::clean;

/// A dead letter.
#[derive(Debug, Clone)]
pub(super) struct Letter {
    pub(super) place: Place,
    /// Where it was read before it failed; `None` where its headers name no input topic of this installation.
    pub(super) source: Option<InputPlace>,
    /// When it failed: ms since 1970, UTC.
    pub(super) failed_at_ms: Option<i64>,
    pub(super) reason: String,
    pub(super) record: Record,
}

/// A header as a record carries it.
pub(super) type Header = (String, Option<Vec<u8>>);

impl Letter {
    pub(super) fn of(record: Record, space: &TopicSpace) -> Self {
        let failed_at_ms = record.header(headers::DLQ_FAILED_AT).and_then(|ms| ms.parse().ok());
        Self {
            place: Place { partition: record.partition, offset: record.offset },
            source: source(&record, space),
            failed_at_ms: failed_at_ms.or(record.timestamp_ms),
            reason: record.header(headers::DLQ_REASON).unwrap_or_default(),
            record,
        }
    }

    /// A header of ours, fit for a terminal; `?` where it is missing.
    pub(super) fn said(&self, name: &str) -> String {
        self.record.header(name).map_or_else(|| "?".to_owned(), |text| clean(&text))
    }

    /// Where it was read, by its headers' own words.
    pub(super) fn source_as_said(&self) -> String {
        let [topic, partition, offset] =
            [headers::DLQ_TOPIC, headers::DLQ_PARTITION, headers::DLQ_OFFSET].map(|name| self.said(name));
        format!("{topic}[{partition}]@{offset}")
    }

    /// The headers that it had before it failed, in their order.
    pub(super) fn original_headers(&self) -> impl Iterator<Item = &Header> {
        self.record.headers.iter().filter(|(name, _)| !headers::is_of_dead_letter(name))
    }

    /// Bytes of key, value and headers, names among them.
    pub(super) fn bytes(&self) -> usize {
        let length = |bytes: &Option<Vec<u8>>| bytes.as_ref().map_or(0, Vec::len);
        let headers = self.record.headers.iter().map(|(name, value)| name.len() + length(value));
        length(&self.record.key) + length(&self.record.value) + headers.sum::<usize>()
    }
}

fn source(record: &Record, space: &TopicSpace) -> Option<InputPlace> {
    let Some(Topic::Reported(state)) = space.parse(&record.header(headers::DLQ_TOPIC)?) else { return None };
    let partition =
        record.header(headers::DLQ_PARTITION)?.parse().ok().filter(|partition| *partition >= 0)?;
    let offset = record.header(headers::DLQ_OFFSET)?.parse().ok().filter(|offset| *offset >= 0)?;
    Some(InputPlace { state, place: Place { partition, offset } })
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A letter at an offset of the queue, which failed where `from` says, for this reason.
    pub(in super::super) fn letter(offset: i64, from: (&str, i32, i64), reason: &str) -> Letter {
        let (topic, partition, at) = from;
        let (partition, at) = (partition.to_string(), at.to_string());
        let headers = [
            ("case", "kept"),
            (headers::DLQ_TOPIC, topic),
            (headers::DLQ_PARTITION, partition.as_str()),
            (headers::DLQ_OFFSET, at.as_str()),
            (headers::DLQ_STAGE, "decode"),
            (headers::DLQ_REASON, reason),
            (headers::DLQ_MESSAGE, "what is wrong"),
            (headers::DLQ_FAILED_AT, "1000"),
        ];
        let headers =
            headers.into_iter().map(|(name, value)| (name.to_owned(), Some(value.as_bytes().to_vec())));
        let record = Record {
            topic: "crime.dlq".into(),
            offset,
            timestamp_ms: Some(2_000),
            key: Some(b"key".to_vec()),
            headers: headers.collect(),
            value: Some(b"value".to_vec()),
            ..Record::default()
        };
        Letter::of(record, &TopicSpace::default())
    }

    #[test]
    fn its_headers_tell_where_it_failed_and_when() {
        let letter = letter(17, ("crime.reported.in-dl", 1, 41), "key");
        let source = letter.source.unwrap();
        let place = Place { partition: 1, offset: 41 };
        assert_eq!(source, InputPlace { state: "IN-DL".parse().unwrap(), place });
        assert_eq!((letter.place.to_string(), letter.failed_at_ms), ("0:17".into(), Some(1_000)));
        assert_eq!(letter.source_as_said(), "crime.reported.in-dl[1]@41");
    }

    #[test]
    fn what_was_added_is_told_from_what_it_had() {
        let letter = letter(17, ("crime.reported.in-dl", 1, 41), "key");
        let names: Vec<&str> = letter.original_headers().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["case"]);
    }

    #[test]
    fn its_size_counts_headers_by_name_and_value() {
        let mut letter = letter(17, ("crime.reported.in-dl", 1, 41), "key");
        letter.record.headers = Vec::from([("case".into(), Some(b"kept".to_vec())), ("null".into(), None)]);
        assert_eq!(letter.bytes(), 3 + 5 + 8 + 4);
    }

    #[test]
    fn a_letter_from_nowhere_has_no_source_and_harms_no_terminal() {
        for from in [("crime.shared.in-dl", 0, 1), ("crime.reported.in-dl", -1, 1), ("x\u{1b}[2J", 0, 1)] {
            let letter = letter(1, from, "key");
            assert_eq!(letter.source, None, "{from:?}");
            assert!(!letter.source_as_said().contains('\u{1b}'));
        }
        let bare = Letter::of(Record { timestamp_ms: Some(5), ..Record::default() }, &TopicSpace::default());
        assert_eq!(
            (bare.source, bare.failed_at_ms, bare.source_as_said().as_str()),
            (None, Some(5), "?[?]@?")
        );
    }
}
