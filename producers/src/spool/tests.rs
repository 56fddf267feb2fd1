//! The spool as a whole: what is promised survives, what is refused leaves no trace, what is settled goes.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use sanchar_runtime::clock::{Clock, ManualClock, SystemClock};
use sanchar_runtime::lifecycle::{Context, ExitCode};

use super::log::{Append, Log};
use super::*;

const NOW_MS: i64 = 1_700_000_000_000;
const HOUR_MS: i64 = 3_600_000;

/// A folder for this user alone, as a store has to be.
fn private_folder() -> tempfile::TempDir {
    let mode = fs::Permissions::from_mode(0o700);
    tempfile::Builder::new().permissions(mode).tempdir().unwrap()
}

struct Rig {
    folder: tempfile::TempDir,
    context: Context,
    wakes: Arc<AtomicU64>,
}

impl Rig {
    fn new(clock: Arc<dyn Clock>) -> Self {
        let context = Context::new("sanchar-producer", clock).unwrap();
        Self { folder: private_folder(), context, wakes: Arc::default() }
    }

    fn around(&self) -> Surroundings {
        let wakes = Arc::clone(&self.wakes);
        Surroundings {
            context: self.context.clone(),
            state: "IN-CH".parse().unwrap(),
            memory: Memory::new(false),
            batches_max: 100,
            wake: Box::new(move || _ = wakes.fetch_add(1, Ordering::SeqCst)),
        }
    }

    fn start(&self, config: &SpoolConfig, append: Option<Append>) -> (Spool, Intake) {
        let spool = Spool::open(self.folder.path(), config).unwrap();
        let log = Log::new(spool.0.folder.clone(), config.segment_bytes, None);
        let log = match append {
            Some(append) => log.writing(append),
            None => log,
        };
        let (intake, _) = Intake::writing_to(log, spool.clone(), self.around()).unwrap();
        (spool, intake)
    }

    fn text(&self) -> String {
        let files = Spool::files(self.folder.path()).unwrap();
        files.iter().map(|path| fs::read_to_string(path).unwrap()).collect()
    }

    async fn await_readiness(&self, text: &str) {
        let begun = Instant::now();
        while !self.context.health.ready(false).text.contains(text) {
            assert!(begun.elapsed().as_secs() < 30, "{text}: {:?}", self.context.health);
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    }
}

fn batch(items: &[(u64, u64, &str)]) -> Batch {
    let mut batch = Batch::default();
    for (index, (identity, content, line)) in items.iter().enumerate() {
        batch.lines.extend_from_slice(format!("{line}\n").as_bytes());
        let fingerprint = Fingerprint { identity: *identity, content: *content };
        batch.items.push(Item { fingerprint, index, end: batch.lines.len() });
    }
    batch
}

fn accepted(accepted: u64, duplicates: u64) -> Result<Receipt, CommitError> {
    Ok(Receipt { accepted, duplicates })
}

#[tokio::test]
async fn what_was_accepted_is_on_disk_and_what_comes_again_is_not_there_twice() {
    let rig = Rig::new(Arc::new(SystemClock));
    let (spool, intake) = rig.start(&SpoolConfig::default(), None);
    assert_eq!(intake.commit(batch(&[(1, 1, "a"), (2, 1, "b")])).await, accepted(2, 0));
    assert_eq!(rig.text(), "a\nb\n");
    assert_eq!(intake.commit(batch(&[(2, 1, "b"), (3, 1, "c"), (3, 1, "c")])).await, accepted(1, 2));
    let conflict = intake.commit(batch(&[(4, 1, "d"), (1, 9, "a'")])).await;
    assert_eq!(conflict, Err(CommitError::IdentityTaken(vec![1])));
    let conflict = intake.commit(batch(&[(5, 1, "e"), (5, 2, "e'")])).await;
    assert_eq!(conflict, Err(CommitError::IdentityTaken(vec![1])));
    assert_eq!(intake.commit(batch(&[(1, 1, "a")])).await, accepted(0, 1));
    assert_eq!(rig.text(), "a\nb\nc\n", "nothing of a refused batch");
    assert_eq!(spool.durable().iter().map(|(_, length)| *length).collect::<Vec<_>>(), [6]);
    assert_eq!(rig.wakes.load(Ordering::SeqCst), 2);
    let mode =
        |path: &Path| std::os::unix::fs::PermissionsExt::mode(&fs::metadata(path).unwrap().permissions());
    assert_eq!(mode(&rig.folder.path().join("spool")) & 0o777, 0o700);
    assert_eq!(mode(&spool.durable()[0].0) & 0o777, 0o600);
}

#[tokio::test(flavor = "multi_thread")]
async fn batches_that_come_together_share_a_sync() {
    let rig = Rig::new(Arc::new(SystemClock));
    let (open, gate) = std::sync::mpsc::sync_channel::<()>(1);
    let written = Arc::new(AtomicU64::new(0));
    let writes = Arc::clone(&written);
    let append: Append = Box::new(move |mut file, bytes| {
        if writes.fetch_add(1, Ordering::SeqCst) == 0 {
            gate.recv().unwrap();
        }
        file.write_all(bytes)
    });
    let (_spool, intake) = rig.start(&SpoolConfig::default(), Some(append));
    let mut commits: Vec<_> = (0..50).map(|i| Box::pin(intake.commit(batch(&[(i, 0, "x")])))).collect();
    for commit in &mut commits {
        let early = tokio::time::timeout(std::time::Duration::ZERO, commit).await;
        assert!(early.is_err(), "nothing is promised before it is written");
    }
    open.send(()).unwrap();
    for commit in commits {
        assert_eq!(commit.await, accepted(1, 0));
    }
    assert_eq!(rig.text().len(), 100);
    assert!(written.load(Ordering::SeqCst) <= 2, "the first alone, and all that came meanwhile");
}

#[tokio::test]
async fn a_full_spool_refuses_loudly_and_takes_batches_again_when_the_broker_has_taken_some() {
    let rig = Rig::new(Arc::new(SystemClock));
    let config = SpoolConfig { bytes_max: 10, ..SpoolConfig::default() };
    let (spool, intake) = rig.start(&config, None);
    assert_eq!(intake.commit(batch(&[(1, 1, "aaaaa")])).await, accepted(1, 0));
    let refused = Err(CommitError::Refused(Refusal::Bytes));
    assert_eq!(intake.commit(batch(&[(2, 1, "bbbbb")])).await, refused);
    rig.await_readiness("spool is not ready: spool.bytes_max is reached").await;
    assert_eq!(intake.commit(batch(&[(1, 1, "aaaaa")])).await, accepted(0, 1), "it is there already");
    assert_eq!(intake.commit(batch(&[(3, 1, "c")])).await, accepted(1, 0), "there is room for a small one");
    let metrics = rig.context.metrics.render();
    for line in [
        "sanchar_spool_bytes{state=\"IN-CH\"} 8",
        "sanchar_spool_refused_total{reason=\"bytes\",state=\"IN-CH\"} 1",
    ] {
        assert!(metrics.contains(line), "{line} is missing from\n{metrics}");
    }
    spool.settle(&spool.durable()[0].0, 6);
    rig.await_readiness("ready\n").await;
    assert_eq!(intake.commit(batch(&[(2, 1, "bbbbb")])).await, accepted(1, 0));
}

#[tokio::test]
async fn an_item_that_waits_too_long_closes_the_spool_and_is_kept() {
    let clock = Arc::new(ManualClock::new(NOW_MS));
    let rig = Rig::new(clock.clone());
    let config = SpoolConfig { age_max_hours: 72, ..SpoolConfig::default() };
    let (spool, intake) = rig.start(&config, None);
    intake.commit(batch(&[(1, 1, "a")])).await.unwrap();
    clock.advance(72 * HOUR_MS);
    intake.commit(batch(&[(2, 1, "b")])).await.unwrap();
    clock.advance(1);
    rig.await_readiness("the oldest item waits longer than spool.age_max_hours").await;
    let refused = Err(CommitError::Refused(Refusal::Age));
    assert_eq!(intake.commit(batch(&[(3, 1, "c")])).await, refused);
    assert!(rig.context.metrics.render().contains("sanchar_spool_age_seconds{state=\"IN-CH\"} 259200.001"));
    assert_eq!(rig.text(), "a\nb\n");
    spool.settle(&spool.durable()[0].0, 2);
    assert_eq!(intake.commit(batch(&[(3, 1, "c")])).await, accepted(1, 0));
}

#[tokio::test]
async fn a_full_disk_is_answered_with_a_refusal_and_the_daemon_goes_on_when_there_is_room() {
    let rig = Rig::new(Arc::new(SystemClock));
    let full = Arc::new(AtomicU64::new(0));
    let is_full = Arc::clone(&full);
    let append: Append = Box::new(move |mut file, bytes| match is_full.load(Ordering::SeqCst) {
        0 => file.write_all(bytes),
        _ => file.write_all(&bytes[..1]).and(Err(io::ErrorKind::StorageFull.into())),
    });
    let (_spool, intake) = rig.start(&SpoolConfig::default(), Some(append));
    intake.commit(batch(&[(1, 1, "aaa")])).await.unwrap();
    full.store(1, Ordering::SeqCst);
    for _ in 0..3 {
        let refused = Err(CommitError::Refused(Refusal::Disk));
        assert_eq!(intake.commit(batch(&[(2, 1, "bbb")])).await, refused);
        assert_eq!(rig.text(), "aaa\n");
    }
    full.store(0, Ordering::SeqCst);
    assert_eq!(intake.commit(batch(&[(2, 1, "bbb")])).await, accepted(1, 0), "it was never accepted before");
    assert_eq!(rig.text(), "aaa\nbbb\n");
    rig.await_readiness("ready\n").await;
    assert!(rig.context.metrics.render().contains("refused_total{reason=\"disk\",state=\"IN-CH\"} 3"));
}

#[tokio::test]
async fn segments_go_once_a_newer_one_has_a_checkpoint() {
    let rig = Rig::new(Arc::new(ManualClock::new(NOW_MS)));
    let config = SpoolConfig { segment_bytes: 1024, ..SpoolConfig::default() };
    let (spool, intake) = rig.start(&config, None);
    let line = "x".repeat(1_500);
    for i in 0..4 {
        intake.commit(batch(&[(i, 1, &line)])).await.unwrap();
    }
    let files = spool.durable();
    assert_eq!(files.len(), 4);
    assert!(spool.settle(&files[0].0, 1_501).is_empty(), "its checkpoint is the latest there is");
    assert_eq!(spool.settle(&files[2].0, 0), [files[0].0.clone(), files[1].0.clone()]);
    assert_eq!(Spool::files(rig.folder.path()).unwrap(), [files[2].0.clone(), files[3].0.clone()]);
    assert_eq!(spool.durable().len(), 2);
    assert!(spool.settle(Path::new("elsewhere.csv"), 5).is_empty());
}

#[test]
fn a_restart_finds_what_was_promised_and_cuts_off_what_was_not() {
    let folder = private_folder();
    let inside = folder.path().join("spool");
    fs::create_dir(&inside).unwrap();
    let (older, newer) =
        (Segment(u64::try_from(NOW_MS).unwrap()), Segment(u64::try_from(NOW_MS).unwrap() + 9));
    fs::write(older.path(&inside), "{}\n{}\n").unwrap();
    fs::write(newer.path(&inside), "{}\n{\"half").unwrap();
    fs::write(Segment(newer.0 + 1).path(&inside), [0; 100]).unwrap();
    for (path, mode) in [
        (inside.clone(), 0o700),
        (older.path(&inside), 0o600),
        (newer.path(&inside), 0o600),
        (Segment(newer.0 + 1).path(&inside), 0o600),
    ] {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }
    let spool = Spool::open(folder.path(), &SpoolConfig::default()).unwrap();
    assert_eq!(spool.durable(), [(older.path(&inside), 6), (newer.path(&inside), 3)]);
    assert_eq!(fs::read_to_string(newer.path(&inside)).unwrap(), "{}\n");
    let waits = |backlog: &Backlog| (backlog.bytes(), backlog.age_ms(NOW_MS + 1_000));
    assert_eq!(waits(&spool.lock()), (9, 1_000), "its name tells its age");
    let failure = Spool::open(folder.path(), &SpoolConfig::default()).unwrap_err();
    assert_eq!(failure.exit_code(), ExitCode::Temporary, "{failure}");
    assert!(failure.to_string().contains("is used by another producer"), "{failure}");
}
