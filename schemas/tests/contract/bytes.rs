//! The bytes of arbitrary records: what is written is read back, spliced is the same as encoded, and bytes that
//! were damaged are refused without panic, without a value in the error and without memory beyond their own size.

use crate::{any, golden};
use apache_avro::writer::datum::GenericDatumWriter;
use proptest::prelude::*;
use sanchar_schemas::codec::{CodecError, Decoder, encode_enrichment, encode_event, encode_shared};
use sanchar_schemas::event::Person;
use sanchar_schemas::schema::Record;
use sanchar_schemas::shared::{Notice, SharedCrimeEvent, splice_delivery, splice_withdrawal};
use sanchar_schemas::{CrimeEvent, Outline, topics};

fn decode(datum: &[u8]) -> Result<CrimeEvent, CodecError> {
    Decoder::current(Record::CrimeEvent).decode(datum)
}

fn by_the_general_codec(record: Record, value: &impl serde::Serialize) -> Vec<u8> {
    let mut datum = Vec::new();
    let writer = GenericDatumWriter::builder(&record.latest().schema).human_readable(false).build().unwrap();
    writer.write_ser(&mut datum, value).unwrap();
    datum
}

proptest! {
    #![proptest_config(any::config())]

    #[test]
    fn an_event_is_read_back_as_it_was_written(event in any::event()) {
        let datum = encode_event(&event).unwrap();
        let read = decode(&datum).unwrap();
        prop_assert_eq!(&encode_event(&read).unwrap(), &datum);
        prop_assert_eq!(read, event);
    }

    #[test]
    fn the_general_codec_writes_the_same_bytes(event in any::event(), shared in any::shared()) {
        prop_assert_eq!(encode_event(&event).unwrap(), by_the_general_codec(Record::CrimeEvent, &event));
        prop_assert_eq!(encode_shared(&shared).unwrap(), by_the_general_codec(Record::SharedCrimeEvent, &shared));
    }

    #[test]
    fn an_outline_is_that_of_the_event(event in any::event()) {
        let datum = encode_event(&event).unwrap();
        prop_assert_eq!(Outline::read(&datum).unwrap(), Outline::of(&event));
    }

    #[test]
    fn an_event_survives_json(event in any::event()) {
        let text = serde_json::to_string(&event).unwrap();
        prop_assert_eq!(serde_json::from_str::<CrimeEvent>(&text).unwrap(), event);
    }

    #[test]
    fn a_spliced_delivery_is_the_encoded_one(event in any::event(), shared in any::shared()) {
        let (datum, enrichment) = (encode_event(&event).unwrap(), encode_enrichment(&shared.enrichment).unwrap());
        let mut spliced = vec![9, 9];
        splice_delivery(&datum, &enrichment, &mut spliced);
        let delivery = SharedCrimeEvent { notice: Notice::Delivery, event: Some(event), enrichment: shared.enrichment };
        prop_assert_eq!(&spliced[2..], encode_shared(&delivery).unwrap());
        let read: SharedCrimeEvent = Decoder::current(Record::SharedCrimeEvent).decode(&spliced[2..]).unwrap();
        prop_assert_eq!(read, delivery);
    }

    #[test]
    fn a_spliced_withdrawal_is_the_encoded_one(shared in any::shared()) {
        let mut spliced = Vec::new();
        splice_withdrawal(&encode_enrichment(&shared.enrichment).unwrap(), &mut spliced);
        let withdrawal = SharedCrimeEvent { notice: Notice::Withdrawal, event: None, enrichment: shared.enrichment };
        prop_assert_eq!(&spliced, &encode_shared(&withdrawal).unwrap());
        let read: SharedCrimeEvent = Decoder::current(Record::SharedCrimeEvent).decode(&spliced).unwrap();
        prop_assert_eq!(read, withdrawal);
    }

    #[test]
    fn damaged_bytes_are_refused_or_read_and_nothing_else(
        choice in any::<prop::sample::Index>(),
        flips in prop::collection::vec(any::<prop::sample::Index>(), 1..6),
    ) {
        let events = golden::events();
        let mut datum = choice.get(&events).datum.clone();
        for flip in flips {
            let bit = flip.index(datum.len() * 8);
            datum[bit / 8] ^= 1 << (bit % 8);
        }
        check_damaged(&datum)?;
    }

    #[test]
    fn arbitrary_bytes_are_refused_or_read_and_nothing_else(datum in prop::collection::vec(any::<u8>(), 0..300)) {
        check_damaged(&datum)?;
    }
}

/// A value is never larger than the bytes that it came from, and an error tells nothing of them. The outline is read from
/// what can be read whole, and from nothing else.
fn check_damaged(datum: &[u8]) -> Result<(), TestCaseError> {
    let outline = Outline::read(datum);
    match decode(datum) {
        Ok(event) => {
            prop_assert!(encode_event(&event).unwrap().len() <= datum.len());
            prop_assert_eq!(outline.unwrap(), Outline::of(&event));
        }
        Err(error) => {
            prop_assert!(outline.is_err(), "only the outline was read: {error}");
            for error in [Some(error), outline.err()].into_iter().flatten() {
                let text = error.to_string();
                prop_assert!(text.chars().count() <= 250, "too long: {text}");
                prop_assert!(text.is_ascii(), "repeats the datum: {text}");
            }
        }
    }
    Ok(())
}

#[test]
fn a_code_that_is_no_state_is_refused_wherever_a_state_stands() {
    let mut event = golden::events()[0].parse::<CrimeEvent>();
    let person = Person { state: Some(event.origin), ..Person::default() };
    event.persons = vec![person];
    event.handling.excluded_states = vec![event.origin];
    event.addressing.states = vec![event.origin];
    let (datum, code) = (encode_event(&event).unwrap(), event.origin.as_str().as_bytes());
    let places = (0..datum.len()).filter(|place| datum[*place..].starts_with(code));
    let places: Vec<usize> = places.collect();
    assert!(places.len() >= 5, "record, origin, person, excluded, addressed");
    for place in places {
        let mut damaged = datum.clone();
        damaged[place] = b'X';
        assert!(decode(&damaged).is_err() && Outline::read(&damaged).is_err(), "at {place}");
    }
}

#[test]
fn a_datum_cut_short_anywhere_is_refused() {
    for golden in golden::events() {
        for cut in 0..golden.datum.len() {
            let outline = Outline::read(&golden.datum[..cut]);
            assert!(
                matches!(outline, Err(CodecError::Malformed(_))),
                "{} at {cut}: {outline:?}",
                golden.name
            );
            let result = decode(&golden.datum[..cut]);
            assert!(matches!(result, Err(CodecError::Malformed(_))), "{} at {cut}: {result:?}", golden.name);
        }
    }
    for golden in golden::shared() {
        for cut in 0..golden.datum.len() {
            let result =
                Decoder::current(Record::SharedCrimeEvent).decode::<SharedCrimeEvent>(&golden.datum[..cut]);
            assert!(matches!(result, Err(CodecError::Malformed(_))), "{} at {cut}: {result:?}", golden.name);
        }
    }
}

#[test]
fn bytes_after_the_datum_are_refused() {
    for golden in golden::events() {
        let longer = [golden.datum.as_slice(), &[0, 0, 0]].concat();
        assert!(matches!(decode(&longer), Err(CodecError::Trailing(3))), "{}", golden.name);
    }
}

#[test]
fn a_length_beyond_every_message_is_refused_before_memory_is_taken() {
    // The first field is a text; its length is a zigzag varint. Both say more than 2^40 bytes.
    for length in
        [[0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x40].as_slice(), &[0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]]
    {
        let error = decode(length).unwrap_err().to_string();
        assert!(error.contains("claims to be larger than 2097152 bytes"), "{error}");
    }
    // What is put aside is not decoded.
    for topic in topics::Topic::all().filter(|topic| !topic.spec().subject.is_empty()) {
        assert!(
            topic.spec().max_message_bytes <= 2_097_152,
            "the limit is smaller than a message of {topic:?}"
        );
    }
}

#[test]
fn an_error_names_the_problem_and_not_the_schema() {
    let datum = &golden::events()[0].datum;
    assert_eq!(
        decode(&datum[..9]).unwrap_err().to_string(),
        "the datum does not follow its schema: it is cut short"
    );
    let text = String::from_utf8_lossy(datum).find("IN-").unwrap();
    let mut foreign = datum.clone();
    foreign[text..text + 3].copy_from_slice(b"XX-");
    let error = decode(&foreign).unwrap_err().to_string();
    assert_eq!(
        error,
        "the datum does not follow its schema: a record id starts with the state's ISO 3166-2 code, written as today: IN-DL"
    );
}
