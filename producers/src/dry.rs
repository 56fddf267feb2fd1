//! `dry-run`: what would be published, for people or as JSON Lines, and the summary.

use std::io::{self, IsTerminal as _, Write};
use std::path::Path;

use sanchar_producer::{ProducerConfig, Shown, Summary, dry_run as run, dry_run_database};
use sanchar_runtime::clock;
use sanchar_runtime::lifecycle::Failure;

use crate::args::DryRunArgs;
use crate::{progress, show};

/// Maps every row of the sources named in `path` and shows what would become of it.
pub(crate) fn dry_run(path: &Path, options: &DryRunArgs) -> Result<(), Failure> {
    let config = ProducerConfig::load(path)?;
    let lines_show_progress = io::stdout().is_terminal() && !options.summary;
    let bar = if lines_show_progress { None } else { progress::bar() };
    let mut output = Output { stream: io::BufWriter::new(io::stdout().lock()), closed: false };
    let mut show = |shown: Shown<'_>| output.show(shown, options);
    let outcome = match (config.postgres.is_some(), options.limit) {
        (true, limit) => dry_run_database(&config, limit, clock::now_ms(), &mut show),
        (false, Some(_)) => Err(Failure::usage("--limit is for databases: files are shown whole")),
        (false, None) => run(&config, clock::now_ms(), &mut show, &mut |at| {
            if let Some(bar) = &bar {
                progress::show(bar, at);
            }
        }),
    };
    if let Some(bar) = &bar {
        bar.finish_and_clear();
    }
    match outcome {
        // Whoever read the lines has seen enough.
        Err(_) if output.closed => Ok(()),
        Err(failure) => Err(failure),
        Ok(summary) => output.conclude(&summary, options).and_then(|()| summary.check_whole()),
    }
}

struct Output<W> {
    stream: W,
    closed: bool,
}

impl<W: Write> Output<W> {
    fn show(&mut self, shown: Shown<'_>, options: &DryRunArgs) -> Result<(), Failure> {
        let text = match shown {
            _ if options.summary => return Ok(()),
            Shown::Event(event) if options.json => serde_json::to_string(event)
                .map_err(|error| Failure::internal(format!("an event cannot be written as json: {error}")))?,
            Shown::Rejected { .. } if options.json => return Ok(()),
            shown => show::line(shown),
        };
        let written = writeln!(self.stream, "{text}");
        self.check(written)
    }

    fn conclude(&mut self, summary: &Summary, options: &DryRunArgs) -> Result<(), Failure> {
        let flushed = self.stream.flush();
        self.check(flushed).or_else(|failure| if self.closed { Ok(()) } else { Err(failure) })?;
        if options.json {
            // Nobody is left to tell if standard error is closed.
            drop(write!(io::stderr(), "{summary}"));
            return Ok(());
        }
        let gap = if options.summary { "" } else { "\n" };
        let written = write!(self.stream, "{gap}{summary}").and_then(|()| self.stream.flush());
        self.check(written).or_else(|failure| if self.closed { Ok(()) } else { Err(failure) })
    }

    fn check(&mut self, written: io::Result<()>) -> Result<(), Failure> {
        written.map_err(|error| {
            self.closed = error.kind() == io::ErrorKind::BrokenPipe;
            Failure::temporary(format!("cannot write the answer: {error}"))
        })
    }
}
