//! The command line as a whole. What a single command takes stands with that command.

use clap::{Parser, Subcommand};

use crate::{demo, dlq, exporter, route, schemas, status, tail, top, topics};

/// What the command line says.
#[derive(Debug, Parser)]
#[command(
    name = "sanchar",
    version,
    about = "Sanchar (संचार): crime events between state police forces, over Kafka",
    max_term_width = 100,
    after_help = "\
Examples:
  sanchar demo                       see events cross state lines, with nothing installed
  sanchar topics plan                what `topics apply` would do to the cluster on this machine
  sanchar schemas check              are the schemas compatible, and does the registry hold them?
  sanchar tail goa --from beginning  read the inbox of Goa
  sanchar route explain event.json   who receives this event, and why
  sanchar dlq list --since 1d        what could not be processed since yesterday, and why
  sanchar status --daemon k1:9464    how it all is; `sanchar top` shows the same and goes on

Exit codes:
  0   done
  2   there is something to do (topics plan, dlq redrive without --yes), something is left to a
      person (topics apply, dlq redrive), or something needs attention (status)
  64  the command line is wrong
  69  broker or registry cannot be reached
  70  the demonstration's books do not balance, or a mistake in the program
  75  try again
  78  the configuration is wrong, or a schema does not fit"
)]
pub struct Cli {
    /// No colours, as with NO_COLOR; there are none off a terminal anyway
    #[arg(long, global = true)]
    no_color: bool,

    /// The environment's word on colours (<https://no-color.org>): any value counts but the empty one.
    #[arg(long, env = "NO_COLOR", hide = true)]
    no_color_environment: Option<String>,

    /// Show the logs of Kafka clients and daemons on standard error
    #[arg(short, long, global = true)]
    pub(crate) verbose: bool,

    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// See events cross state lines, with nothing installed
    Demo(demo::Args),
    /// Compare a cluster's topics with the contract, and create or alter what differs
    Topics(topics::Args),
    /// Check the released schemas against each other and the registry, and register them
    Schemas(schemas::Args),
    /// Follow a topic or a state's inbox
    Tail(tail::Args),
    /// Explain who receives an event, and why
    Route(route::Args),
    /// Look through the dead-letter queue, and send letters back when what they failed for is mended
    Dlq(dlq::Args),
    /// Show once how it all is: daemons, states, readers, dead letters; exit code 2 when something needs attention
    Status(status::Args),
    /// Show the same on the whole terminal, and go on
    Top(top::Args),
    /// Run the daemon that shows Prometheus how far each consumer group has read Sanchar's topics
    Exporter(exporter::Args),
}

impl Cli {
    pub(crate) fn wants_colors(&self) -> bool {
        !self.no_color && self.no_color_environment.as_deref().is_none_or(str::is_empty)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn every_command_is_well_formed_and_shows_examples() {
        Cli::command().debug_assert();
        for command in leaves(Cli::command()) {
            let name = command.get_name().to_owned();
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(help.contains("Example"), "`{name}` shows no example");
        }
    }

    #[test]
    fn no_line_of_help_is_wider_than_the_hundred_columns_at_which_it_would_be_broken() {
        let mut wide = Vec::new();
        for command in all(Cli::command()) {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            let lines = help.lines().filter(|line| console::measure_text_width(line) > 100);
            wide.extend(lines.map(|line| format!("{}: {line}", command.get_name())));
        }
        assert!(wide.is_empty(), "{}", wide.join("\n"));
    }

    fn all(command: clap::Command) -> Vec<clap::Command> {
        let below = command.get_subcommands().cloned().flat_map(all).collect();
        [vec![command], below].concat()
    }

    #[test]
    fn options_stand_under_the_heading_that_is_theirs() {
        for mut command in leaves(Cli::command()) {
            let help = command.render_help().to_string();
            for option in ["--yes", "--all", "--summary", "--json"] {
                let heading = help.lines().take_while(|line| !line.contains(&format!("  {option}")));
                let heading = heading.filter(|line| !line.starts_with(' ') && line.ends_with(':')).last();
                let is_there =
                    help.contains(&format!("      {option}\n")) || help.contains(&format!("      {option} "));
                assert!(!is_there || heading == Some("Options:"), "{}: {option}: {help}", command.get_name());
            }
        }
    }

    /// What a daemon can be asked to do is explained with the daemon.
    fn leaves(command: clap::Command) -> Vec<clap::Command> {
        if !command.has_subcommands() || command.find_subcommand("check-config").is_some() {
            return vec![command];
        }
        command.get_subcommands().cloned().flat_map(leaves).collect()
    }

    #[test]
    fn colours_are_wanted_unless_told_otherwise() {
        for (no_color, environment, wanted) in
            [(false, None, true), (true, None, false), (false, Some("0"), false), (false, Some(""), true)]
        {
            let cli = Cli {
                no_color,
                no_color_environment: environment.map(str::to_owned),
                ..Cli::parse_from(["sanchar", "schemas", "check"])
            };
            assert_eq!(cli.wants_colors(), wanted, "{environment:?}");
        }
    }
}
