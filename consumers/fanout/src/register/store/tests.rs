//! The store against a map, across restarts, and with every byte of it damaged in turn.

use super::*;
use proptest::prelude::*;
use sanchar_schemas::StateSet;
use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

const CACHE_BYTES: u64 = 1 << 20;

fn keys() -> Keys {
    Keys::from_bytes([7; 16])
}

fn origin(next_offset: i64) -> Origin {
    Origin { identity: Sha256::of(b"cluster/topic"), next_offset, keys: keys() }
}

fn key(number: u32) -> Fingerprint {
    keys().fingerprint(&number.to_be_bytes())
}

fn known(revision: i64) -> Known {
    Known { revision, content: [1, 2], recipients: StateSet::from_bits(5) }
}

fn run(entries: &BTreeMap<u32, Option<i64>>) -> Vec<(Fingerprint, Option<Known>)> {
    let mut run: Vec<_> =
        entries.iter().map(|(number, revision)| (key(*number), revision.map(known))).collect();
    run.sort_by_key(|(key, _)| *key);
    run
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Runs of changes and deletions, merged or not, opened again or not: what it says is what was written last.
    #[test]
    fn it_says_what_was_written_last(
        runs in prop::collection::vec((prop::collection::btree_map(0..40u32, any::<Option<i64>>(), 0..30), any::<bool>(), any::<bool>()), 1..12),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let mut store = Store::open(folder.path(), CACHE_BYTES).unwrap();
        prop_assert_eq!(store.origin().unwrap(), None);
        let mut model = BTreeMap::new();
        for (offset, (entries, merges, reopens)) in runs.into_iter().enumerate() {
            let reached = origin(offset.try_into().unwrap());
            store.write(reached, &run(&entries)).unwrap();
            model.extend(entries);
            if merges {
                store.merge().unwrap();
            }
            if reopens {
                drop(store);
                store = Store::open(folder.path(), CACHE_BYTES).unwrap();
            }
            prop_assert_eq!(store.origin().unwrap(), Some(reached));
            for number in 0..40 {
                let expected = model.get(&number).copied().flatten().map(known);
                prop_assert_eq!(store.get(key(number)).unwrap(), expected);
            }
        }
    }
}

#[test]
fn many_runs_are_merged_and_nothing_is_lost() {
    const RUNS: u32 = 40;
    const EACH: u32 = 500;
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), CACHE_BYTES).unwrap();
    for number in 0..RUNS {
        let entries = (number * EACH..(number + 1) * EACH).map(|number| (number, Some(7))).collect();
        store.write(origin(number.into()), &run(&entries)).unwrap();
        store.merge().unwrap();
        assert!(store.tree.l0_run_count() <= RUNS_MAX.into());
    }
    drop(store);
    let store = Store::open(folder.path(), CACHE_BYTES).unwrap();
    assert_eq!(store.origin(), Ok(Some(origin(i64::from(RUNS) - 1))));
    assert!((0..RUNS * EACH).all(|number| store.get(key(number)) == Ok(Some(known(7)))));
    assert_eq!(store.get(key(RUNS * EACH)), Ok(None));
    let entries = usize::try_from(RUNS * EACH).unwrap();
    assert!(store.len().abs_diff(entries) <= usize::from(RUNS_MAX), "{}", store.len());
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// What a store says, or that it is broken.
fn contents(folder: &Path) -> Result<(Option<Origin>, Vec<Option<Known>>), StoreError> {
    let store = Store::open(folder, CACHE_BYTES)?;
    let all = (0..60).map(|number| store.get(key(number))).collect::<Result<_, _>>()?;
    store.merge()?;
    Ok((store.origin()?, all))
}

#[test]
fn damage_anywhere_is_noticed_or_does_no_harm() {
    let sound = tempfile::tempdir().unwrap();
    let store = Store::open(sound.path(), CACHE_BYTES).unwrap();
    store.write(origin(1), &run(&(0..50).map(|number| (number, Some(1))).collect())).unwrap();
    store.write(origin(2), &run(&(20..30).map(|number| (number, Some(2))).collect())).unwrap();
    drop(store);
    let expected = contents(sound.path()).unwrap();
    assert_eq!(expected.0, Some(origin(2)));
    std::panic::set_hook(Box::new(|_| {})); // the library's panics are what this looks for
    let (mut noticed, mut harmless) = (0, 0);
    for path in files(sound.path()) {
        let bytes = fs::read(&path).unwrap();
        let cuts = [0, bytes.len() / 2, bytes.len().saturating_sub(1)].map(|length| bytes[..length].to_vec());
        let flips = (0..bytes.len()).step_by(1 + bytes.len() / 150).map(|at| {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1 << (at % 8);
            damaged
        });
        for damaged in cuts.into_iter().chain(flips).filter(|damaged| *damaged != bytes) {
            let copy = tempfile::tempdir().unwrap();
            copy_all(sound.path(), copy.path());
            fs::write(copy.path().join(path.strip_prefix(sound.path()).unwrap()), damaged).unwrap();
            match contents(copy.path()) {
                Err(StoreError::Broken(_)) => noticed += 1,
                Err(error) => panic!("{}: {error}", path.display()),
                // Taken for new, it is read again from the changelog's beginning.
                Ok((None, all)) => assert!(all.iter().all(Option::is_none), "{}", path.display()),
                Ok(found) => {
                    assert_eq!(found, expected, "{}", path.display());
                    harmless += 1;
                }
            }
        }
    }
    drop(std::panic::take_hook());
    assert!(noticed > 300, "{noticed} were noticed, {harmless} did no harm");
}

/// As after an upgrade or a way back that changes the layout: it is built anew, and what it holds is not misread.
#[test]
fn a_store_of_another_layout_is_of_no_use() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), CACHE_BYTES).unwrap();
    let mut other = origin(1).to_bytes();
    other[0] = LAYOUT + 1;
    let mut run = store.tree.ingestion().unwrap();
    run.write(ORIGIN_KEY, other).unwrap();
    run.finish().unwrap();
    drop(store);
    let store = Store::open(folder.path(), CACHE_BYTES).unwrap();
    assert_eq!(store.origin(), Err(StoreError::Broken("it is of another layout".to_owned())));
}

fn copy_all(from: &Path, to: &Path) {
    for path in files(from) {
        let copy = to.join(path.strip_prefix(from).unwrap());
        fs::create_dir_all(copy.parent().unwrap()).unwrap();
        fs::copy(path, copy).unwrap();
    }
}

#[test]
fn a_disk_that_is_full_is_not_damage() {
    let of = |kind: ErrorKind| StoreError::from(lsm_tree::Error::Io(kind.into()));
    assert!(matches!(of(ErrorKind::StorageFull), StoreError::Unwritable(_)));
    assert!(matches!(of(ErrorKind::ReadOnlyFilesystem), StoreError::Unwritable(_)));
    assert!(matches!(of(ErrorKind::NotFound), StoreError::Broken(_)));
    assert!(matches!(of(ErrorKind::UnexpectedEof), StoreError::Broken(_)));
}
