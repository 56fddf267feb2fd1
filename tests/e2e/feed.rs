//! A load that goes on until a test has seen enough: publications in their order, at a steady rate.
//!
//! The rate is far below what the service can do, so what waits is what a change of the group or of a topic made wait.

use crate::workload::Publication;
use anyhow::{Context as _, Result, ensure};
use sanchar_tests::Installation;
use sanchar_tests::publisher::Publisher;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Publications that are handed over at once, and the pause behind them: 500 a second at most.
const HANDFUL: usize = 10;
const PAUSE: Duration = Duration::from_millis(20);

/// Does `work` while `publications` flow, and gives those that were published.
///
/// # Errors
/// When `work` fails, the brokers do not take something, or the publications did not last as long as the work.
pub(crate) fn during<'p>(
    installation: &Installation,
    publications: &'p [Publication],
    work: impl FnOnce() -> Result<()>,
) -> Result<&'p [Publication]> {
    let enough = AtomicBool::new(false);
    let published = std::thread::scope(|scope| {
        let feeder = scope.spawn(|| publish_until(installation, publications, &enough));
        {
            let _set_however_it_ends = SetAtEnd(&enough);
            work()?;
        }
        feeder.join().expect("the feeder does not panic")
    })?;
    ensure!(published < publications.len(), "the load ended before the work was done");
    publications.get(..published).context("not more than there are")
}

/// Publishes until there is enough, and gives how many that were.
fn publish_until(
    installation: &Installation,
    publications: &[Publication],
    enough: &AtomicBool,
) -> Result<usize> {
    let publisher = Publisher::new(installation)?;
    let mut published = 0;
    for handful in publications.chunks(HANDFUL) {
        if enough.load(Ordering::Relaxed) {
            break;
        }
        for publication in handful {
            publisher.event(&publication.event())?;
        }
        published += handful.len();
        std::thread::sleep(PAUSE);
    }
    publisher.finish()?;
    Ok(published)
}

/// Ends the load even where the work fails or panics: its thread is waited for.
struct SetAtEnd<'a>(&'a AtomicBool);

impl Drop for SetAtEnd<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
