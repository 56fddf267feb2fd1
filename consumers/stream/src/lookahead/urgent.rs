//! An urgent record that was read ahead: a copy, since its reader goes on; and those of them that a worker took.

use crate::client::{Message, Partition};
use std::collections::VecDeque;

/// An urgent record and what its key is known by.
#[derive(Debug, Clone)]
pub(crate) struct Urgent {
    pub(crate) message: OwnedMessage,
    /// Records of a partition with the same key have the same.
    pub(super) key: u32,
}

/// A copy of a message.
#[derive(Debug, Clone)]
pub(crate) struct OwnedMessage {
    pub(crate) place: Partition,
    pub(crate) offset: i64,
    timestamp_ms: Option<i64>,
    key: Option<Vec<u8>>,
    value: Option<Vec<u8>>,
    headers: Vec<(String, Option<Vec<u8>>)>,
}

impl Urgent {
    pub(super) fn of(message: &dyn Message, key: u32) -> Self {
        let owned = |bytes: Option<&[u8]>| bytes.map(<[u8]>::to_vec);
        let headers = message.headers().into_iter();
        let message = OwnedMessage {
            place: Partition { topic: message.topic().to_owned(), partition: message.partition() },
            offset: message.offset(),
            timestamp_ms: message.timestamp_ms(),
            key: owned(message.key()),
            value: owned(message.value()),
            headers: headers.map(|(name, value)| (name.to_owned(), owned(value))).collect(),
        };
        Self { message, key }
    }

    pub(super) fn is_of_the_key_of(&self, other: &Self) -> bool {
        self.key == other.key && self.message.place == other.message.place
    }

    pub(super) fn bytes(&self) -> usize {
        let of = |bytes: &Option<Vec<u8>>| bytes.as_ref().map_or(0, Vec::len);
        let headers: usize = self.message.headers.iter().map(|(name, value)| name.len() + of(value)).sum();
        of(&self.message.key) + of(&self.message.value) + headers
    }
}

impl Message for OwnedMessage {
    fn topic(&self) -> &str {
        &self.place.topic
    }

    fn partition(&self) -> i32 {
        self.place.partition
    }

    fn offset(&self) -> i64 {
        self.offset
    }

    fn timestamp_ms(&self) -> Option<i64> {
        self.timestamp_ms
    }

    fn key(&self) -> Option<&[u8]> {
        self.key.as_deref()
    }

    fn value(&self) -> Option<&[u8]> {
        self.value.as_deref()
    }

    fn headers(&self) -> Vec<(&str, Option<&[u8]>)> {
        self.headers.iter().map(|(name, value)| (name.as_str(), value.as_deref())).collect()
    }
}

/// Urgent records that a worker took, in their order. What it does not process it gives back.
#[derive(Debug, Default)]
pub(crate) struct Taken {
    left: VecDeque<Urgent>,
    refused: Vec<Urgent>,
}

impl Taken {
    pub(super) const fn new(left: VecDeque<Urgent>) -> Self {
        Self { left, refused: Vec::new() }
    }

    /// The next one that may be processed: none of a key of which one was refused.
    pub(crate) fn next(&mut self) -> Option<Urgent> {
        while let Some(urgent) = self.left.pop_front() {
            if !self.refused.iter().any(|refused| refused.is_of_the_key_of(&urgent)) {
                return Some(urgent);
            }
            self.refused.push(urgent);
        }
        None
    }

    /// This one waits for its turn, and with it all later ones of its key.
    pub(crate) fn refuse(&mut self, urgent: Urgent) {
        self.refused.push(urgent);
    }

    pub(super) fn into_parts(self) -> (VecDeque<Urgent>, Vec<Urgent>) {
        (self.left, self.refused)
    }
}
