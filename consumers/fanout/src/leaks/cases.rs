//! Records of these tests: events, and everything that can be wrong with one.

use super::MARK;
use super::events::any_event;
use crate::reasons::PoisonReason;
use crate::rehearsal::{Input, registry};
use proptest::prelude::*;
use proptest::sample::Index;
use sanchar_schemas::event::Classification;
use sanchar_schemas::{CrimeEvent, RecordId, codec, wire};
use sanchar_stream::processor::REASON_TOO_LARGE;

/// More than an inbox takes.
const TOO_LARGE_BYTES: usize = 2 << 20;

/// What is wrong with a record, or special about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    NoValue,
    NotFramed,
    UnknownSchema,
    OtherRecord,
    InvalidSchema,
    CutShort,
    MoreAfterIt,
    NotUtf8,
    OriginIsNoState,
    OneByteElse,
    OthersTopic,
    OthersRecord,
    OtherKey,
    NoKey,
    Secret,
    Conflict,
    TooLarge,
    Twice,
    OlderAfterwards,
    SameContentAgain,
}

pub(super) const FAULTS: [Fault; 20] = [
    Fault::NoValue,
    Fault::NotFramed,
    Fault::UnknownSchema,
    Fault::OtherRecord,
    Fault::InvalidSchema,
    Fault::CutShort,
    Fault::MoreAfterIt,
    Fault::NotUtf8,
    Fault::OriginIsNoState,
    Fault::OneByteElse,
    Fault::OthersTopic,
    Fault::OthersRecord,
    Fault::OtherKey,
    Fault::NoKey,
    Fault::Secret,
    Fault::Conflict,
    Fault::TooLarge,
    Fault::Twice,
    Fault::OlderAfterwards,
    Fault::SameContentAgain,
];

impl Fault {
    /// Why its record is dead-lettered, where it always is.
    pub(super) fn reason(self) -> Option<&'static str> {
        let reason = match self {
            Self::NoValue => PoisonReason::NoValue,
            Self::NotFramed => PoisonReason::WireFormat,
            Self::UnknownSchema => PoisonReason::UnknownSchema,
            Self::OtherRecord | Self::InvalidSchema => PoisonReason::WrongSchema,
            Self::CutShort | Self::MoreAfterIt | Self::NotUtf8 | Self::OriginIsNoState => {
                PoisonReason::Malformed
            }
            Self::OthersTopic => PoisonReason::OriginMismatch,
            Self::OthersRecord => PoisonReason::ForeignRecord,
            Self::OtherKey | Self::NoKey => PoisonReason::Key,
            Self::Secret => PoisonReason::Classification,
            Self::Conflict => PoisonReason::Conflict,
            Self::TooLarge => return Some(REASON_TOO_LARGE),
            Self::OneByteElse | Self::Twice | Self::OlderAfterwards | Self::SameContentAgain => return None,
        };
        Some(reason.as_str())
    }
}

/// A record, and what is wrong with it.
#[derive(Debug, Clone)]
pub(super) struct Case {
    pub(super) event: CrimeEvent,
    pub(super) fault: Option<Fault>,
    /// Which byte is meant.
    pub(super) byte: Index,
    /// Written with a later schema, so that it has to be decoded and encoded again.
    pub(super) is_later: bool,
}

pub(super) fn any_case() -> impl Strategy<Value = Case> {
    let fault = prop::option::weighted(0.6, prop::sample::select(FAULTS.to_vec()));
    (any_event(), fault, any::<Index>(), any::<bool>()).prop_map(|(event, fault, byte, is_later)| Case {
        event,
        fault,
        byte,
        is_later,
    })
}

impl Case {
    /// Its records, the `number`th of all.
    pub(super) fn inputs(&self, number: usize) -> Vec<Input> {
        let mut event = self.event.clone();
        let name = format!("IN-DL/{MARK}station/2024/{}/fir", number + 1);
        event.record_id = RecordId::parse(name).unwrap();
        event.revision = 1_000;
        let mut more = event.clone();
        match self.fault {
            Some(Fault::Secret) => event.handling.classification = Classification::Secret,
            Some(Fault::OthersRecord) => {
                let name = event.record_id.as_str().replacen("IN-DL", "IN-HR", 1);
                event.record_id = RecordId::parse(name).unwrap();
            }
            Some(Fault::TooLarge) => event.narrative = Some(MARK.repeat(TOO_LARGE_BYTES / MARK.len())),
            Some(Fault::Conflict) => more.narrative = Some(format!("{MARK} something else entirely")),
            Some(Fault::OlderAfterwards) => more.revision -= 1,
            Some(Fault::SameContentAgain) => more.revision += 1,
            _ => {}
        }
        let mut inputs = vec![self.spoilt(self.input(&event.sealed()))];
        let has_more = [Fault::Conflict, Fault::Twice, Fault::OlderAfterwards, Fault::SameContentAgain];
        if self.fault.is_some_and(|fault| has_more.contains(&fault)) {
            inputs.push(self.input(&more.sealed()));
        }
        inputs
    }

    fn input(&self, event: &CrimeEvent) -> Input {
        let mut datum = codec::encode_event(event).unwrap();
        if self.is_later {
            // A text of seven bytes, for the field that the later schema has.
            datum.extend_from_slice(b"\x0ezqxmore");
        }
        let id = if self.is_later { registry::LATER_EVENT } else { registry::EVENT };
        let mark = |text: &str| Some(format!("{MARK} {text}").into_bytes());
        Input {
            topic: "crime.reported.in-dl".to_owned(),
            offset: 0,
            key: Some(event.record_id.case_key().as_bytes().to_vec()),
            value: Some(wire::frame(id, &datum)),
            headers: vec![
                ("ce_source".to_owned(), mark("station")),
                (format!("{MARK}-name"), mark("value")),
                ("traceparent".to_owned(), mark("no trace at all")),
            ],
        }
    }

    fn spoilt(&self, mut input: Input) -> Input {
        let Some(fault) = self.fault else { return input };
        let framed = input.value.clone().unwrap();
        let (id, datum) = wire::parse(&framed).unwrap();
        let mut datum = datum.to_vec();
        let place = self.byte.index(datum.len());
        match fault {
            Fault::NoValue => input.value = None,
            Fault::NotFramed => input.value = Some(format!("{MARK} is not framed").into_bytes()),
            Fault::UnknownSchema => input.value = Some(wire::frame(registry::UNKNOWN, &datum)),
            Fault::OtherRecord => input.value = Some(wire::frame(registry::SHARED, &datum)),
            Fault::InvalidSchema => input.value = Some(wire::frame(registry::INVALID, &datum)),
            Fault::CutShort => datum.truncate(place),
            Fault::MoreAfterIt => datum.extend_from_slice(MARK.as_bytes()),
            Fault::NotUtf8 => replace(&mut datum, MARK.as_bytes(), b"z\xffx"),
            Fault::OriginIsNoState => replace(&mut datum, b"\x0aIN-DL", b"\x0azqxDL"),
            Fault::OneByteElse => datum[place] ^= 1 << (place % 8),
            Fault::OthersTopic => input.topic = "crime.reported.in-hr".to_owned(),
            Fault::OtherKey => input.key = Some(format!("{MARK} key").into_bytes()),
            Fault::NoKey => input.key = None,
            _ => {}
        }
        if [Fault::CutShort, Fault::MoreAfterIt, Fault::NotUtf8, Fault::OriginIsNoState, Fault::OneByteElse]
            .contains(&fault)
        {
            input.value = Some(wire::frame(id, &datum));
        }
        input
    }
}

/// Replaces the first `what` by as many bytes.
fn replace(bytes: &mut [u8], what: &[u8], by: &[u8]) {
    let place = bytes.windows(what.len()).position(|window| window == what).unwrap();
    bytes[place..place + what.len()].copy_from_slice(by);
}
