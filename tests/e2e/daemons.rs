//! The daemons as an operator meets them: configuration, exit codes, probes, metrics, signals.

use anyhow::Result;
use sanchar_tests::daemon::run;
use sanchar_tests::events::{self, state};
use sanchar_tests::publisher::publish;
use sanchar_tests::{Accounts, Installation};
use std::ffi::OsStr;
use std::path::Path;
use std::process::Output;

/// Exit code, standard output and standard error.
fn told(output: &Output) -> (Option<i32>, String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

fn fanout(config: &Path, command: &[&str], folder: &Path) -> Result<(Option<i32>, String, String)> {
    let mut args = vec![OsStr::new("-c"), config.as_os_str()];
    args.extend(command.iter().map(OsStr::new));
    Ok(told(&run("sanchar-fanout", &args, folder)?))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mistake_in_a_file_is_named_with_its_place() -> Result<()> {
    let installation = Installation::new("config").await?;
    let folder = installation.folder();
    let good = installation.write("good.toml", &installation.services_toml())?;
    let (code, output, _) = fanout(&good, &["check-config"], folder)?;
    assert_eq!(code, Some(0), "{output}");
    assert!(output.contains("the configuration is valid"), "{output}");

    let misspelt = installation.services_toml().replace("bootstrap", "bootstrp");
    let bad = installation.write("bad.toml", &misspelt)?;
    for command in ["check-config", "run"] {
        let (code, _, error) = fanout(&bad, &[command], folder)?;
        assert_eq!(code, Some(78), "{error}");
        assert!(error.contains("bad.toml:2:1: kafka.bootstrp"), "{error}");
        assert!(error.contains("did you mean `bootstrap`?"), "{error}");
    }
    let no_toml = installation.write("broken.toml", "[kafka\n")?;
    let (code, _, error) = fanout(&no_toml, &["check-config"], folder)?;
    assert_eq!(code, Some(78), "{error}");
    assert!(error.contains("broken.toml:1:"), "{error}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_are_not_printed() -> Result<()> {
    let installation = Installation::new("secrets").await?;
    let secret = "correct-horse-battery-staple";
    let login = format!(
        "[kafka]\nsecurity_protocol = \"sasl_ssl\"\nsasl_username = \"fanout\"\nsasl_password = \"{secret}\""
    );
    let config =
        installation.write("fanout.toml", &installation.services_toml().replace("[kafka]", &login))?;
    let (code, output, error) = fanout(&config, &["print-config"], installation.folder())?;
    assert_eq!(code, Some(0), "{error}");
    assert!(output.contains("sasl_password = \"[redacted]\""), "{output}");
    assert!(output.contains("batch_records_max"), "defaults are shown too: {output}");
    assert!(!output.contains(secret) && !error.contains(secret));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_command_line_ends_with_64() -> Result<()> {
    let installation = Installation::new("usage").await?;
    for daemon in ["sanchar-fanout", "sanchar-producer"] {
        for args in [&["--no-such-option"][..], &["no-such-command"], &["run"]] {
            let args: Vec<&OsStr> = args.iter().map(OsStr::new).collect();
            let (code, _, error) = told(&run(daemon, &args, installation.folder())?);
            assert_eq!(code, Some(64), "{daemon} {args:?}: {error}");
        }
        let (code, output, _) = told(&run(daemon, &[OsStr::new("--help")], installation.folder())?);
        assert_eq!(code, Some(0));
        assert!(output.contains("Exit codes:"), "{output}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn topics_that_are_missing_are_named_with_the_remedy() -> Result<()> {
    let installation = Installation::new("topics").await?;
    let elsewhere =
        installation.fanout_toml("fanout-1").replace(&installation.prefix, "no-such-installation");
    let config = installation.write("fanout.toml", &elsewhere)?;
    let (code, _, log) = fanout(&config, &["run"], installation.folder())?;
    assert_eq!(code, Some(69), "{log}");
    assert!(log.contains("no-such-installation.crime.register"), "{log}");
    assert!(log.contains("create them with `sanchar topics apply`"), "{log}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_service_answers_probes_and_metrics_and_stops_on_either_signal() -> Result<()> {
    let installation = Installation::new("probes").await?;
    let config = "[stream]\nretry_max_ms = 200";
    for signal in ["TERM", "INT"] {
        let mut fanout = installation.fanout("fanout-1", config)?;
        fanout.wait_ready()?;
        publish(&installation, [&events::theft(state("IN-DL"), 1, 1, signal)])?;
        Accounts::after(&mut fanout, 1)?;
        assert_eq!(fanout.get("/livez")?, "200 alive\n");
        assert_eq!(fanout.get("/readyz")?, "200 ready\n");
        let verbose = fanout.get("/readyz?verbose")?;
        assert!(
            verbose.contains("engine: ready for") && verbose.contains("registry: ready for"),
            "{verbose}"
        );
        let metrics = fanout.get("/metrics")?;
        for name in [
            "sanchar_records_in_total{topic=",
            "sanchar_records_forwarded_total",
            "sanchar_records_dropped_total{reason=\"duplicate\"}",
            "sanchar_transaction_duration_seconds_bucket",
            "sanchar_register_records",
            "sanchar_build_info",
        ] {
            assert!(metrics.lines().any(|line| line.starts_with(name)), "{name} is missing from\n{metrics}");
        }
        sanchar_tests::daemon::wait_for("lag to be known", || {
            let metrics = fanout.get("/metrics")?;
            let is_there = |name: &str| metrics.lines().any(|line| line.starts_with(name));
            let both = is_there("sanchar_consumer_lag_records{") && is_there("sanchar_consumer_lag_seconds{");
            Ok(both.then_some(()))
        })?;
        fanout.signal(signal)?;
        assert_eq!(fanout.wait()?, 0, "{signal}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_finds_no_broker_says_so_and_stops_when_asked() -> Result<()> {
    let installation = Installation::new("no-broker").await?;
    let elsewhere = installation.fanout_toml("fanout-1").replace(&installation.cluster.kafka, "127.0.0.1:1");
    let config = installation.write("fanout.toml", &elsewhere)?;
    let mut fanout = sanchar_tests::Daemon::start(
        "sanchar-fanout",
        &["-c".as_ref(), config.as_os_str()],
        installation.folder(),
    )?;
    sanchar_tests::daemon::wait_for("the service to wait for the broker", || {
        let ready = fanout.get("/readyz?verbose")?;
        Ok((ready.starts_with("503") && ready.contains("registry: ready")).then_some(()))
    })?;
    assert!(fanout.get("/livez")?.starts_with("200"));
    assert_eq!(fanout.stop()?, 0);
    Ok(())
}
