//! Who must know beyond the land neighbours, on a real broker: coordination groups with their reasons, rules that change while
//! the service runs, and offences that only some may see. The decisions alone are tested in `consumers/fanout/src/route`.

use anyhow::{Context as _, Result};
use sanchar_schemas::event::{EventAction, Gang, Section};
use sanchar_schemas::jurisdictions::COORDINATION;
use sanchar_schemas::shared::Notice;
use sanchar_schemas::{CrimeEvent, SharedCrimeEvent};
use sanchar_tests::daemon::{Daemon, wait_for};
use sanchar_tests::events::{self, state};
use sanchar_tests::inbox;
use sanchar_tests::judge::judge;
use sanchar_tests::publisher::publish;
use sanchar_tests::{Accounts, Installation};

fn of_gang(mut event: CrimeEvent) -> CrimeEvent {
    event.gang = Some(Gang { name: "Kala Ghera".to_owned(), leader: None, note: None });
    event.sealed()
}

/// What a state has received, each with the header that says why.
fn received(installation: &Installation, code: &str) -> Result<Vec<(String, SharedCrimeEvent)>> {
    let records = inbox::inbox(installation, state(code))?;
    records.iter().map(|record| Ok((record.header("sanchar-route").to_owned(), record.shared()?))).collect()
}

fn routes(installation: &Installation, code: &str) -> Result<Vec<String>> {
    Ok(received(installation, code)?.into_iter().map(|(route, _)| route).collect())
}

/// The states that the Home Ministry named in January 2024; two of them border Delhi.
#[tokio::test(flavor = "multi_thread")]
async fn all_nine_states_of_the_meeting_receive_delhis_gang_event_with_the_reasons() -> Result<()> {
    let installation = Installation::new("nine").await?;
    publish(&installation, [&of_gang(events::theft(state("IN-DL"), 1, 1, ""))])?;
    let mut fanout = installation.fanout("fanout-1", "")?;
    let accounts = Accounts::after(&mut fanout, 1)?;
    assert_eq!(accounts.deliveries, 10, "and Chandigarh, of the northern committee");
    for (code, route) in [
        ("IN-BR", "group:DELHI-INTERSTATE"),
        ("IN-HP", "group:NRPCC,group:DELHI-INTERSTATE"),
        ("IN-HR", "neighbour,group:NCR,group:NRPCC,group:DELHI-INTERSTATE"),
        ("IN-JH", "group:DELHI-INTERSTATE"),
        ("IN-JK", "group:NRPCC,group:DELHI-INTERSTATE"),
        ("IN-PB", "group:NRPCC,group:DELHI-INTERSTATE"),
        ("IN-RJ", "group:NCR,group:NRPCC,group:DELHI-INTERSTATE"),
        ("IN-UK", "group:NRPCC,group:DELHI-INTERSTATE"),
        ("IN-UP", "neighbour,group:NCR,group:NRPCC,group:DELHI-INTERSTATE"),
    ] {
        assert_eq!(routes(&installation, code)?, [route], "{code}");
    }
    assert_eq!(fanout.stop()?, 0);
    let verdict = judge(&installation)?;
    assert!(verdict.is_clean(), "{verdict}");
    Ok(())
}

/// Writes rules and makes the running service read them. `outcome` is what must become of them.
fn reload(installation: &Installation, fanout: &mut Daemon, rules: &str, outcome: &str) -> Result<()> {
    let series = format!("sanchar_rules_reloads_total{{outcome=\"{outcome}\"}}");
    let before = fanout.metric(&series)?;
    std::fs::write(installation.folder().join("rules").join(COORDINATION.name), rules)?;
    fanout.signal("HUP")?;
    wait_for("the rules to be read again", || Ok((fanout.metric(&series)? > before).then_some(())))
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_change_while_the_service_runs_whole_or_not_at_all() -> Result<()> {
    let installation = Installation::new("reload").await?;
    let rules = installation.folder().join("rules");
    std::fs::create_dir(&rules)?;
    let builtin = COORDINATION.text;
    std::fs::write(rules.join(COORDINATION.name), builtin)?;
    let mut fanout = installation.fanout("fanout-1", "[rules]\nfolder = \"rules\"\n")?;
    fanout.wait_ready()?;
    let delhi =
        |case, revision| events::theft(state("IN-DL"), case, revision, &format!("revision {revision}"));
    publish(&installation, [&of_gang(delhi(1, 1)), &delhi(2, 1)])?;
    Accounts::after(&mut fanout, 2)?;
    assert_eq!(routes(&installation, "IN-BR")?, ["group:DELHI-INTERSTATE"]);

    // Half-way through a change: the file ends in the middle. The rules before it stay in force.
    let (half, _) = builtin.split_once("\"IN-RJ\"").context("a list of members")?;
    reload(&installation, &mut fanout, half, "refused")?;
    assert!(fanout.log()?.contains("coordination.toml"), "the log names the file");
    publish(&installation, [&of_gang(delhi(3, 1))])?;
    Accounts::after(&mut fanout, 3)?;
    assert_eq!(routes(&installation, "IN-BR")?.len(), 2);

    // The group of the meeting is dissolved, and near states count.
    let (kept, _) = builtin.split_once("[[groups]]\nname = \"DELHI-INTERSTATE\"").context("the group")?;
    let changed = kept.replace("version = \"2026-11\"", "version = \"2026-12\"");
    let changed = changed.replace("near = [", "near = [\n  [\"IN-DL\", \"IN-MP\"],");
    reload(&installation, &mut fanout, &changed, "taken")?;
    assert!(
        (fanout.metric("sanchar_rules_info{")? - 1.0).abs() < f64::EPSILON,
        "one set of rules is in force"
    );
    let mut cancelled = of_gang(delhi(1, 2));
    cancelled.action = EventAction::Cancel;
    publish(&installation, [&cancelled.sealed(), &of_gang(delhi(4, 1))])?;
    Accounts::after(&mut fanout, 5)?;
    let bihar = received(&installation, "IN-BR")?;
    let routes_of_bihar: Vec<&str> = bihar.iter().map(|(route, _)| route.as_str()).collect();
    let group = "group:DELHI-INTERSTATE";
    assert_eq!(routes_of_bihar, [group, group, "earlier-recipient"], "the cancellation, and no new case");
    assert_eq!(routes(&installation, "IN-MP")?, ["near", "near"]);
    let (before, after) = (&bihar[0].1.enrichment, &bihar[2].1.enrichment);
    assert_eq!((&*before.rules_version, &*after.rules_version), ("2026-11", "2026-12"));
    assert_ne!(before.rules_digest, after.rules_digest);
    let digest = after.rules_digest.as_deref().context("a digest")?;
    let series = format!("sanchar_rules_info{{digest=\"{digest}\"");
    assert!(
        (fanout.metric(&series)? - 1.0).abs() < f64::EPSILON,
        "the metric shows the digest of the enrichment"
    );
    assert_eq!(fanout.stop()?, 0);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_only_some_may_see_reaches_those_and_is_taken_back_from_others() -> Result<()> {
    let installation = Installation::new("restricted").await?;
    std::fs::create_dir(installation.folder().join("rules"))?;
    let ats = "\n[[groups]]\nname = \"ATS\"\nrestricted = true\nmembers = [\"IN-DL\", \"IN-UP\", \"IN-MH\"]\n\
               [[groups.when]]\nseverity_min = 5\n";
    installation.write(&format!("rules/{}", COORDINATION.name), &format!("{}{ats}", COORDINATION.text))?;
    let restricted = |case, revision| {
        let mut event = events::theft(state("IN-DL"), case, revision, "");
        event.sections = vec![Section { act: "UAPA".to_owned(), section: "16".to_owned() }];
        event.sealed()
    };
    publish(&installation, [&events::theft(state("IN-DL"), 1, 1, ""), &restricted(1, 2), &restricted(2, 1)])?;
    let mut fanout = installation.fanout("fanout-1", "[rules]\nfolder = \"rules\"\n")?;
    Accounts::after(&mut fanout, 3)?;
    let haryana = received(&installation, "IN-HR")?;
    let notices: Vec<Notice> = haryana.iter().map(|(_, shared)| shared.notice).collect();
    assert_eq!(notices, [Notice::Delivery, Notice::Withdrawal]);
    assert_eq!(routes(&installation, "IN-MH")?, ["group:ATS", "group:ATS"]);
    assert_eq!(routes(&installation, "IN-UP")?, ["neighbour", "group:ATS,earlier-recipient", "group:ATS"]);
    assert!(routes(&installation, "IN-RJ")?.is_empty(), "no group of unrestricted material");
    assert_eq!(fanout.stop()?, 0);
    Ok(())
}

/// A service never starts with rules that cannot be used.
#[tokio::test(flavor = "multi_thread")]
async fn wrong_rules_end_the_start_with_the_place_of_the_mistake() -> Result<()> {
    let installation = Installation::new("wrong-rules").await?;
    std::fs::create_dir(installation.folder().join("rules"))?;
    installation.write(
        &format!("rules/{}", COORDINATION.name),
        "version = \"1\"\npartners = [[\"IN-LD\", \"IN-ZZ\"]]\n",
    )?;
    let mut fanout = installation.fanout("fanout-1", "[rules]\nfolder = \"rules\"\n")?;
    assert_eq!(fanout.wait()?, 78);
    let log = fanout.log()?;
    assert!(log.contains("rules.folder") && log.contains("partners[0]: unknown state code `IN-ZZ`"), "{log}");
    Ok(())
}
