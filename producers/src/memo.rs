//! Answers of pure functions, kept for texts that come again and again: sections of law, acts, stations.
//!
//! It changes what an answer costs and never what it is. Bounded; when it is full it begins anew. What was published is
//! remembered in [`crate::memory`].

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// The most texts that are known at a time.
const TEXTS_MAX: usize = 1_024;
/// Longer texts do not come again; in bytes.
const TEXT_BYTES_MAX: usize = 256;
/// Stands between the parts of a text and in none of them, since it is no UTF-8.
const BETWEEN: u8 = 0xff;

/// Answers, by the texts that they are about.
#[derive(Debug)]
pub(crate) struct Memo<V> {
    known: Mutex<HashMap<Vec<u8>, V>>,
}

impl<V> Default for Memo<V> {
    fn default() -> Self {
        Self { known: Mutex::default() }
    }
}

impl<V> Clone for Memo<V> {
    /// A copy knows nothing yet.
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl<V: Clone> Memo<V> {
    /// The answer about a text of some parts, which `find` gives the first time.
    pub(crate) fn of(&self, parts: &[&str], find: impl FnOnce() -> V) -> V {
        let length = parts.iter().map(|part| part.len() + 1).sum();
        if length > TEXT_BYTES_MAX {
            return find();
        }
        let mut text = Vec::with_capacity(length);
        for part in parts {
            text.extend_from_slice(part.as_bytes());
            text.push(BETWEEN);
        }
        // It is whole after every statement, so a thread that panicked holding it spoiled nothing.
        let lock = || self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = lock().get(&text) {
            return known.clone();
        }
        let found = find();
        let mut known = lock();
        if known.len() >= TEXTS_MAX {
            known.clear();
        }
        known.insert(text, found.clone());
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_found_once_for_each_text() {
        let memo = Memo::default();
        assert_eq!(memo.of(&["ab", "c"], || 1), 1);
        assert_eq!(memo.of(&["ab", "c"], || 2), 1);
        assert_eq!(memo.of(&["a", "bc"], || 3), 3, "parts are not run together");
        assert_eq!(memo.clone().of(&["ab", "c"], || 4), 4);
    }

    #[test]
    fn it_is_bounded() {
        let memo = Memo::default();
        for number in 0..5 * TEXTS_MAX {
            memo.of(&[&number.to_string()], || number);
            assert!(memo.known.lock().unwrap().len() <= TEXTS_MAX);
        }
        let long = "x".repeat(TEXT_BYTES_MAX);
        assert_eq!((memo.of(&[&long], || 1), memo.of(&[&long], || 2)), (1, 2));
    }
}
