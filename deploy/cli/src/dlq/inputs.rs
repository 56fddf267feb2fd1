//! The input topics as the brokers show them: whether a letter could go back to where it came from.

use std::collections::BTreeMap;

use sanchar_schemas::headers::DLQ_LEFT_OUT as LEFT_OUT;

use super::letter::Letter;
use super::place::InputPlace;

/// How many partitions each topic of the cluster has.
#[derive(Debug, Default)]
pub(super) struct Inputs(BTreeMap<String, i32>);

impl Inputs {
    pub(super) const fn new(partitions: BTreeMap<String, i32>) -> Self {
        Self(partitions)
    }

    /// Why the brokers would not take the letter, as far as that can be told beforehand. What makes it too large, for
    /// example, only they know.
    pub(super) fn refusal(&self, letter: &Letter, source: InputPlace, topic: &str) -> Option<String> {
        let partition = source.place.partition;
        if letter.record.header(LEFT_OUT).is_some() {
            return Some(format!(
                "the letter has only the size of its record, which was too large for it: read the record at {}",
                letter.source_as_said()
            ));
        }
        match self.0.get(topic) {
            None => Some(no_topic(topic)),
            // The key of a letter that has one names its partition.
            Some(count) if letter.record.key.is_none() && partition >= *count => {
                Some(no_partition(topic, partition))
            }
            Some(_) => None,
        }
    }
}

pub(super) fn no_topic(topic: &str) -> String {
    format!("the cluster shows this user no topic {topic}: create it with `sanchar topics apply`")
}

pub(super) fn no_partition(topic: &str, partition: i32) -> String {
    format!("{topic} has no partition {partition}, which a letter without a key would go back to")
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::letter::tests::letter;
    use super::*;

    const DELHI: &str = "crime.reported.in-dl";

    /// Delhi's input topic with two partitions.
    pub(in super::super) fn inputs() -> Inputs {
        Inputs::new(BTreeMap::from([(DELHI.to_owned(), 2)]))
    }

    #[test]
    fn only_a_letter_without_a_key_needs_its_partition_and_all_need_their_topic() {
        let refusal = |topic, partition, key: Option<&[u8]>| {
            let mut letter = letter(17, (topic, partition, 41), "key");
            letter.record.key = key.map(<[u8]>::to_vec);
            inputs().refusal(&letter, letter.source.unwrap(), topic)
        };
        assert_eq!(refusal(DELHI, 1, None), None);
        assert_eq!(refusal(DELHI, 2, Some(b"key")), None);
        assert!(refusal(DELHI, 2, None).unwrap().contains("has no partition 2"));
        assert!(refusal("crime.reported.in-ga", 0, Some(b"key")).unwrap().contains("topics apply"));
    }

    #[test]
    fn a_letter_that_lacks_its_record_does_not_go_back() {
        let mut letter = letter(17, (DELHI, 1, 41), "too-large");
        letter.record.value = None;
        letter.record.headers.push((LEFT_OUT.to_owned(), Some(b"value bytes=1 sha256=00".to_vec())));
        let why = inputs().refusal(&letter, letter.source.unwrap(), DELHI).unwrap();
        assert!(why.contains("crime.reported.in-dl[1]@41"), "{why}");
    }
}
