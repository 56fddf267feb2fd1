//! Schemas already fetched. A registry never changes the schema behind an id, so an entry is right for ever.
//!
//! Bounded, first in first out: ids come from records, and whoever writes records must not be able to fill memory.
//! Failures are not kept.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use apache_avro::Schema;

use super::SchemaId;

#[derive(Default)]
pub(super) struct SchemaCache {
    entries: Mutex<Entries>,
}

#[derive(Default)]
struct Entries {
    schemas: HashMap<SchemaId, Arc<Schema>>,
    oldest_first: VecDeque<SchemaId>,
}

impl SchemaCache {
    /// A dozen versions of a dozen records, tenfold.
    pub(super) const CAPACITY: usize = 1_000;

    pub(super) fn get(&self, id: SchemaId) -> Option<Arc<Schema>> {
        self.entries().schemas.get(&id).cloned()
    }

    pub(super) fn insert(&self, id: SchemaId, schema: Arc<Schema>) {
        let mut entries = self.entries();
        if entries.schemas.insert(id, schema).is_some() {
            return;
        }
        entries.oldest_first.push_back(id);
        if entries.oldest_first.len() > Self::CAPACITY
            && let Some(oldest) = entries.oldest_first.pop_front()
        {
            entries.schemas.remove(&oldest);
        }
    }

    /// A thread that panicked here left at worst an entry too few.
    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_entry_makes_room() {
        let cache = SchemaCache::default();
        let last = u32::try_from(SchemaCache::CAPACITY).unwrap();
        for id in (0..=last).chain([1]) {
            cache.insert(SchemaId(id), Arc::new(Schema::Null));
        }
        assert!(cache.get(SchemaId(0)).is_none());
        assert!(cache.get(SchemaId(1)).is_some() && cache.get(SchemaId(last)).is_some());
        assert_eq!(cache.entries().schemas.len(), SchemaCache::CAPACITY);
    }
}
