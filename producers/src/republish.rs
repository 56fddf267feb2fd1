//! `backfill`: the rows of past days once more, with a bar that shows rows, their rate and the time left.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use indicatif::{ProgressBar, ProgressStyle};
use sanchar_producer::{BackfillConfig, Days, NAME, Options, Progress, Request, Summary, backfill};
use sanchar_runtime::cli::{DaemonArgs, DaemonCommand};
use sanchar_runtime::lifecycle::{Failure, run_daemon};

use crate::args::BackfillArgs;
use crate::progress;

/// Publishes the rows that `args` name, beside the daemon that runs with the same file.
pub(crate) fn republish(path: &Path, args: &BackfillArgs) -> ExitCode {
    let request = match request(args) {
        Ok(request) => request,
        Err(failure) => return crate::conclude(Err(failure)),
    };
    let daemon = DaemonArgs::new(path, DaemonCommand::Run);
    run_daemon(NAME, &daemon, |config: BackfillConfig, context| async move {
        let options = Options { progress: progress::bar().map(observer), ..Options::default() };
        let shutdown = context.shutdown.clone();
        let config = config.into_producer().in_folder_of(path).with_policy()?;
        let summary = backfill(config, &request, options, context).await?;
        crate::say(&summary.to_string())?;
        match shutdown.reason() {
            None => crate::say(conclusion(&summary)),
            Some(reason) => Err(Failure::temporary(format!(
                "{reason} before the backfill was over: start it again with the same days, and it goes on from its checkpoints"
            ))),
        }
    })
}

fn request(args: &BackfillArgs) -> Result<Request, Failure> {
    let days = Days::new(args.from, args.to)?;
    Ok(Request { days, rate_per_second: f64::from(args.rate), restart: args.restart })
}

/// What a second start with the same days finds is not an empty source.
fn conclusion(summary: &Summary) -> &'static str {
    if summary.read > 0 {
        ""
    } else {
        "nothing was left to do: --restart publishes the same days once more\n"
    }
}

/// A function that shows rows, their rate and the time left on a bar.
fn observer(bar: ProgressBar) -> Arc<dyn Fn(Progress) + Send + Sync> {
    let template = "{bar:40} {percent:>3} %  {msg}  {eta} left";
    bar.set_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()));
    let begun = Instant::now();
    Arc::new(move |progress| {
        bar.set_length(progress.bytes_total);
        bar.set_position(progress.bytes);
        bar.set_message(message(progress, begun.elapsed().as_secs()));
    })
}

fn message(progress: Progress, seconds: u64) -> String {
    let Progress { rows, .. } = progress;
    let rate = rows / seconds.max(1);
    let waits = if progress.waits { "  waits for the running daemon" } else { "" };
    format!("rows: {rows}  {rate}/s{waits}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_says_that_it_waits() {
        let progress = Progress { rows: 600, ..Progress::default() };
        assert_eq!(message(progress, 3), "rows: 600  200/s");
        assert_eq!(
            message(Progress { waits: true, ..progress }, 0),
            "rows: 600  600/s  waits for the running daemon"
        );
    }

    #[test]
    fn days_in_the_wrong_order_are_a_usage_error() {
        let day = |text: &str| text.parse().unwrap();
        let args = BackfillArgs { from: day("2016-12-31"), to: day("2016-01-01"), rate: 200, restart: false };
        let failure = request(&args).unwrap_err();
        assert_eq!(failure.exit_code(), sanchar_runtime::lifecycle::ExitCode::Usage);
    }
}
