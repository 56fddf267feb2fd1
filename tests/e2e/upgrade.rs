//! An upgrade under load and the way back: two instances are replaced one at a time, as README and SCALING.md say.
//!
//! `make test-upgrade FROM=COMMIT` gives it the fan-out of another version, which it replaces and comes back to. Without one,
//! as in `make test`, both versions are this one: it shows the procedure, and not that two versions understand each other.

use crate::feed;
use crate::model::Model;
use crate::workload;
use anyhow::{Result, ensure};
use sanchar_schemas::schema::Record;
use sanchar_tests::daemon::wait_for_up_to;
use sanchar_tests::judge::judge;
use sanchar_tests::{Accounts, Daemon, Installation, Progress};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// Two instances, the broker and other tests share two cores.
const LIMIT: Duration = Duration::from_secs(180);
const SETTINGS: &str = "stream = { batch_records_max = 200 }";
/// More than the test takes at the rate of [`feed`].
const EVENTS: u32 = 300_000;

#[tokio::test(flavor = "multi_thread")]
async fn instances_are_replaced_one_at_a_time_and_back_again() -> Result<()> {
    let former = former_fanout()?;
    let former = former.as_deref();
    let installation = Installation::new("upgrade").await?;
    for record in Record::ALL {
        for release in record.releases() {
            installation.registry.register(record.subject(), &release.text).await?;
        }
    }
    let publications = workload::publications(EVENTS, 51);
    let start = |program, name| start(&installation, program, name);
    let mut instances = Vec::new();
    let published = feed::during(&installation, &publications, || {
        for name in ["fanout-1", "fanout-2"] {
            instances.push((name, start(former, name)?));
        }
        for (_, instance) in &mut instances {
            wait_until_it_delivers(instance)?;
        }
        for program in [None, former] {
            for place in 0..instances.len() {
                let (name, old) = instances.remove(place);
                assert_eq!(old.stop()?, 0, "it ends as it was asked to");
                if program == former && place == 0 {
                    // As if the register's layout on disk had changed between the versions.
                    make_useless(&installation.register_of(name).join("store"))?;
                }
                let mut new = start(program, name)?;
                wait_until_it_delivers(&mut new)?;
                instances.insert(place, (name, new));
            }
        }
        wait_for_up_to(LIMIT, "a register that is of no use to be built anew", || {
            let rebuilt = instances[0].1.metric("sanchar_register_rebuilt_total")?;
            Ok((rebuilt > 0.0).then_some(()))
        })
    })?;
    Progress::of(&installation)?.wait_done_up_to(LIMIT, published.len().try_into()?)?;
    for (_, instance) in instances {
        assert_eq!(instance.stop()?, 0);
    }
    if former.is_none() {
        Model::of(published).check(&installation)?; // it reads inboxes by the newest schema alone
    }
    let verdict = judge(&installation)?;
    assert!(verdict.is_clean(), "{verdict}");
    Ok(())
}

/// The fan-out of another version, where `make test-upgrade` names one.
#[expect(clippy::disallowed_methods, reason = "how `make test-upgrade` hands it to the test")]
fn former_fanout() -> Result<Option<PathBuf>> {
    let Some(program) = std::env::var("SANCHAR_TEST_FORMER_FANOUT").ok().map(PathBuf::from) else {
        return Ok(None);
    };
    ensure!(program.is_file(), "{} is no program", program.display());
    Ok(Some(program))
}

/// Starts an instance of this version, or of another.
fn start(installation: &Installation, program: Option<&Path>, name: &str) -> Result<Daemon> {
    let Some(program) = program else { return installation.fanout(name, SETTINGS) };
    let config = installation.fanout_config(&installation.cluster.kafka, name, SETTINGS)?;
    Daemon::spawn("former-fanout", Command::new(program).arg("-c").arg(config), installation.folder())
}

/// Waits until an instance has partitions and delivers to inboxes.
fn wait_until_it_delivers(instance: &mut Daemon) -> Result<()> {
    instance.wait_ready()?;
    wait_for_up_to(LIMIT, "an instance to deliver", || {
        Ok((Accounts::of(instance)?.forwarded > 0).then_some(()))
    })
}

/// Leaves files that say nothing in the place of a register.
fn make_useless(store: &Path) -> Result<()> {
    let mut spoilt = 0;
    for entry in fs::read_dir(store.join("tables"))? {
        let path = entry?.path();
        fs::write(&path, vec![0; fs::metadata(&path)?.len().try_into()?])?;
        spoilt += 1;
    }
    ensure!(spoilt > 0, "the register was on disk");
    Ok(())
}
