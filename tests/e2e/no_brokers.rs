//! A broker that its controller takes for dead answers, for a moment, that there are no brokers at all. No daemon may believe
//! that for good.

use crate::model::Model;
use crate::workload;
use anyhow::Result;
use sanchar_tests::daemon::{Daemon, wait_for};
use sanchar_tests::proxy::{Api, Deed, Frames, Proxy};
use sanchar_tests::{Installation, Progress};
use std::fmt::Write as _;

/// How often a client asks for the brokers: librdkafka's own default is five minutes, and it asks when something fails.
const OPTIONS: &str = "[kafka.options]\n\"topic.metadata.refresh.interval.ms\" = \"300\"\n";
const ANSWERS: Frames = Frames::Responses(Api::Metadata);

/// Its clients ask one after the other, and some several times, so it is done to different ones in each round.
#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_is_told_that_there_are_no_brokers_goes_on() -> Result<()> {
    const EVENTS: usize = 1_000;
    const ROUNDS: usize = 4;
    let installation = Installation::new("no-brokers").await?;
    let proxy = Proxy::before(&installation.cluster.kafka)?;
    let publications = workload::publications(EVENTS.try_into()?, 61);
    let progress = Progress::of(&installation)?;
    let mut fanout = installation.fanout_behind(proxy.address(), "fanout-1", OPTIONS)?;
    let mut published = 0;
    for (round, part) in publications.chunks(publications.len().div_ceil(ROUNDS)).enumerate() {
        workload::publish(&installation, part)?;
        published += part.len();
        progress.wait_done(published.try_into()?).map_err(|error| error.context(format!("round {round}")))?;
        // It has nothing to do now, so no request of its own fails.
        proxy.times(1 + round * 2, ANSWERS, Deed::DenyBrokers);
        wait_for("its clients to ask for the brokers", || Ok((!proxy.is_waiting()).then_some(())))?;
    }
    Model::of(&publications).check(&installation)?;
    fanout.wait_ready()?;
    assert_eq!(fanout.stop()?, 0);
    Ok(())
}

/// What its client was given is not with another client, so a producer may ask to be started again.
#[tokio::test(flavor = "multi_thread")]
async fn a_producer_that_is_told_that_there_are_no_brokers_goes_on() -> Result<()> {
    const ROUNDS: usize = 4;
    let installation = Installation::new("no-brokers-producer").await?;
    let proxy = Proxy::before(&installation.cluster.kafka)?;
    let options: toml::Table = toml::from_str(OPTIONS)?;
    let config = installation.example("goa.toml", |config| {
        let Some(toml::Value::Table(kafka)) = config.get_mut("kafka") else { panic!("a [kafka] table") };
        kafka.insert("bootstrap".to_owned(), proxy.address().into());
        kafka.extend(options["kafka"].as_table().cloned().unwrap_or_default());
    })?;
    let start =
        || Daemon::start("sanchar-producer", &["-c".as_ref(), config.as_os_str()], installation.folder());
    let start_again_if_asked = |producer: &mut Daemon| -> Result<()> {
        if let Some(code) = producer.ended()? {
            assert_eq!(code, 75, "{}", producer.log()?);
            *producer = start()?;
        }
        Ok(())
    };
    let mut rows = String::new();
    let mut producer = start()?;
    for round in 1..=ROUNDS {
        // One that has nothing to send need not ask.
        proxy.next(ANSWERS, Deed::DenyBrokers);
        writeln!(
            rows,
            "North Goa,Calangute Tinto,9101,{round:06},2024,FIR,2024-09-02,2024-09-01,303(2),BNS,,,,,"
        )?;
        installation.write("data/goa-firs.csv", &rows)?;
        let name = format!("IN-GA/9101/2024/{round:06}/fir");
        wait_for("the row to be published", || {
            start_again_if_asked(&mut producer)?;
            // It cannot be read for certain while it is written to.
            let names = crate::sample_file::published(&installation, "IN-GA").unwrap_or_default();
            Ok(names.contains(&name).then_some(()))
        })?;
    }
    assert!(proxy.met(ANSWERS) > 0, "it asked");
    Ok(())
}
