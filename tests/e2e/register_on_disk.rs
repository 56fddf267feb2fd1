//! The register on disk: read again from where it was, built anew where it is damaged or missing, and a disk that is
//! full delays and loses nothing.

use crate::model::Model;
use crate::workload;
use anyhow::Result;
use sanchar_tests::accounts::wait_registered;
use sanchar_tests::daemon::wait_for;
use sanchar_tests::small_disk::{NAMESPACE, SmallDisk};
use sanchar_tests::{Accounts, Daemon, Installation, Progress};
use std::ffi::OsStr;
use std::fs;
use std::path::Path;

const EVENTS: u32 = 3_000;

/// What happens to the store while the service is down.
type Damage = fn(&Path) -> Result<()>;

/// Entries of the changelog that an instance has read since its start.
fn read_of_changelog(fanout: &mut Daemon) -> Result<f64> {
    fanout.metric("sanchar_changelog_entries_total")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_goes_on_from_disk_and_a_damaged_register_is_built_anew() -> Result<()> {
    let installation = Installation::new("on-disk").await?;
    let publications = workload::publications(EVENTS, 31);
    let mut model = Model::of(&publications);
    let records = model.records();
    workload::publish(&installation, &publications)?;
    let mut fanout = installation.fanout("fanout-1", "")?;
    Accounts::after(&mut fanout, EVENTS.into())?;
    wait_registered(&mut fanout, records)?;
    assert_eq!(fanout.stop()?, 0);

    let register = installation.register_of("fanout-1");
    let damages: [(&str, Damage); 3] = [
        ("nothing", |_| Ok(())),
        ("every table is overwritten", |store| overwrite(&store.join("tables"))),
        ("it is gone", |store| Ok(fs::remove_dir_all(store)?)),
    ];
    for (damage, harm) in damages {
        harm(&register.join("store"))?;
        workload::publish(&installation, &publications)?;
        publications.iter().for_each(|publication| model.publish(*publication));
        let mut fanout = installation.fanout("fanout-1", "")?;
        let accounts = Accounts::after(&mut fanout, EVENTS.into())?;
        assert_eq!(accounts.forwarded, 0, "{damage}: every repeat is known");
        let (read, rebuilt) =
            (read_of_changelog(&mut fanout)?, fanout.metric("sanchar_register_rebuilt_total")?);
        wait_registered(&mut fanout, records)?;
        match damage {
            "nothing" => assert_eq!((read, rebuilt), (0.0, 0.0), "nothing was read again"),
            _ => assert!(read > 0.0, "{damage}: it was read again"),
        }
        assert_eq!(fanout.stop()?, 0);
    }
    model.check(&installation)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_register_that_is_damaged_under_a_running_service_is_built_anew_at_once() -> Result<()> {
    let installation = Installation::new("damaged").await?;
    let publications = workload::publications(EVENTS, 33);
    let mut model = Model::of(&publications);
    workload::publish(&installation, &publications)?;
    let mut fanout = installation.fanout("fanout-1", "")?;
    Accounts::after(&mut fanout, EVENTS.into())?;
    wait_registered(&mut fanout, model.records())?;
    assert_eq!(fanout.stop()?, 0); // so that all of it is on disk

    let mut fanout = installation.fanout("fanout-1", "")?;
    fanout.wait_ready()?;
    overwrite(&installation.register_of("fanout-1").join("store/tables"))?;
    workload::publish(&installation, &publications)?;
    publications.iter().for_each(|publication| model.publish(*publication));
    let accounts = Accounts::after(&mut fanout, EVENTS.into())?;
    assert_eq!(accounts.forwarded, 0, "every repeat is known");
    assert!(fanout.metric("sanchar_register_rebuilt_total")? > 0.0, "the damage was met");
    fanout.wait_ready()?;
    model.check(&installation)?;
    assert_eq!(fanout.stop()?, 0);
    Ok(())
}

fn overwrite(folder: &Path) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let length = fs::metadata(&path)?.len();
        fs::write(&path, vec![0; length.try_into()?])?;
    }
    Ok(())
}

/// Records that are kept in memory alone: too many for what is left of the small disk.
const RECENT_MAX: u32 = 5_000;

/// A fan-out whose register is on a disk of 1 MiB, most of which is taken when it starts.
fn on_a_small_disk(installation: &Installation) -> Result<(SmallDisk, Daemon)> {
    let register = installation.register_of("fanout-1");
    let disk = SmallDisk::at(register.clone(), 1 << 20)?;
    let tables = installation.fanout_toml("fanout-1");
    let text = format!("instance_id = \"fanout-1\"\n{tables}recent_records_max = {RECENT_MAX}\n");
    let config = installation.write("small.toml", &text)?;
    let script = format!(
        "{} && head -c 900000 /dev/zero >'{}/ballast' && exec \"$0\" -c '{}'",
        disk.mount(),
        register.display(),
        config.display(),
    );
    let args: Vec<&OsStr> =
        [&NAMESPACE[1..], &["sh", "-c", &script]].concat().into_iter().map(OsStr::new).collect();
    let daemon = Daemon::start_through(NAMESPACE[0], &args, "sanchar-fanout", installation.folder())?;
    Ok((disk, daemon))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_delays_what_must_be_kept_and_loses_nothing() -> Result<()> {
    const EVENTS: u32 = 20_000;
    let installation = Installation::new("disk-full").await?;
    let publications = workload::publications(EVENTS, 32);
    workload::publish(&installation, &publications)?;
    let (disk, mut fanout) = on_a_small_disk(&installation)?;
    wait_for("the service to say that the disk is full", || {
        let ready = fanout.get("/readyz")?;
        Ok((ready.starts_with("503") && ready.contains("make room on it")).then_some(()))
    })?;
    Progress::of(&installation)?.wait_done(EVENTS.into())?; // deliveries go on as long as memory may hold them
    assert!(fanout.get("/livez")?.starts_with("200"));

    disk.free(fanout.pid())?;
    fanout.wait_ready()?;
    workload::publish(&installation, &publications)?;
    let accounts = Accounts::after(&mut fanout, u64::from(2 * EVENTS))?;
    let mut model = Model::of(&publications);
    publications.iter().for_each(|publication| model.publish(*publication));
    assert_eq!(accounts.forwarded, model.forwarded);
    model.check(&installation)?;
    assert_eq!(fanout.stop()?, 0);
    Ok(())
}
