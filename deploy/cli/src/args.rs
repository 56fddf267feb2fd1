//! The command line as a whole. What a single command takes stands with that command.

use clap::{ArgAction, Parser, Subcommand};

use crate::{route, schemas, tail, topics};

/// What the command line says.
#[derive(Debug, Parser)]
#[command(
    name = "sanchar",
    version,
    about = "Sanchar (संचार): crime events between state police forces, over Kafka",
    max_term_width = 110,
    after_help = "\
Examples:
  sanchar demo                               see events cross state lines, with nothing installed
  sanchar topics plan                        what `topics apply` would do to the cluster on this machine
  sanchar schemas check                      are all released schemas compatible, with each other and the registry?
  sanchar tail goa --from beginning          read the inbox of Goa
  sanchar route explain event.json           who receives this event, and why

Exit codes: 0 done, 2 there is something to do (`topics`), 64 wrong command line, 69 broker or registry not reachable,
70 the demonstration does not add up or a mistake in the program, 75 try again, 78 wrong configuration."
)]
pub struct Cli {
    /// No colours, as with NO_COLOR; there are none off a terminal anyway
    #[arg(long, global = true, env = "NO_COLOR", hide_env = true, action = ArgAction::SetTrue, value_parser = is_not_empty)]
    pub(crate) no_color: bool,

    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Compare a cluster's topics with the contract, and create or alter what differs
    Topics(topics::Args),
    /// Check the released schemas against each other and the registry, and register them
    Schemas(schemas::Args),
    /// Follow a topic or a state's inbox
    Tail(tail::Args),
    /// Explain who receives an event, and why
    Route(route::Args),
}

/// <https://no-color.org>: any value but the empty one counts.
#[expect(clippy::unnecessary_wraps, reason = "the form of a value parser")]
fn is_not_empty(value: &str) -> Result<bool, std::convert::Infallible> {
    Ok(!value.is_empty())
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

    fn leaves(command: clap::Command) -> Vec<clap::Command> {
        if !command.has_subcommands() {
            return vec![command];
        }
        command.get_subcommands().cloned().flat_map(leaves).collect()
    }

    #[test]
    fn any_value_of_no_color_counts() {
        assert_eq!(is_not_empty("0"), Ok(true));
        assert_eq!(is_not_empty(""), Ok(false));
    }
}
