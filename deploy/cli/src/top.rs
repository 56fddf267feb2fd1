//! `sanchar top`: the figures of `sanchar status` on the whole terminal, drawn again and again.
//!
//! One task asks the daemons every few seconds and the brokers every ten; the screen has a thread of its own, which may wait
//! for keys. What the figures mean is `status`'s.

mod draw;

use std::io;
use std::time::Duration;

use ratatui::DefaultTerminal;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use sanchar_runtime::clock;
use sanchar_runtime::lifecycle::Failure;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::connection::Connection;
use crate::outcome::{Outcome, Stop};
use crate::status::{Asked, Ground, Look, Picture, Sources, assemble};
use draw::View;

/// Pause between two surveys of the brokers: each makes clients of its own.
const SURVEY_EVERY: Duration = Duration::from_secs(10);
/// How long the first picture waits for the brokers.
const FIRST_SURVEY: Duration = Duration::from_secs(5);
/// How often the screen looks whether there is something new to draw.
const PULSE: Duration = Duration::from_millis(200);

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  sanchar top --daemon fanout-1:9464 --daemon producer-ka:9471 --kafka k1:9092
  sanchar top --config status.toml              addresses and brokers by a file, as with status

Keys: left and right (or Tab) change the sheet, up and down move in it, q ends.
It needs a terminal of 80 columns and 24 lines; `sanchar status` prints the same once.")]
pub(crate) struct Args {
    #[command(flatten)]
    sources: Sources,
    /// Seconds between two looks at the daemons
    #[arg(long, value_name = "SECONDS", default_value_t = 2, value_parser = clap::value_parser!(u64).range(1..=60))]
    every: u64,
    #[command(flatten)]
    connection: Connection,
}

pub(crate) async fn run(args: Args, is_terminal: bool) -> Result<Outcome, Stop> {
    if !is_terminal {
        let remedy = "use `sanchar status`, which prints the same once";
        let message = format!(
            "`sanchar top` draws on a terminal and this is none, or --verbose writes on it: {remedy}"
        );
        return Err(Failure::usage(message).into());
    }
    let look = args.sources.look(&args.connection)?;
    let (shown, pictures) = watch::channel(None);
    let asking = tokio::spawn(ask(look, args, shown));
    let mut screen = tokio::task::spawn_blocking(move || on_screen(&pictures));
    let screen = tokio::select! {
        ended = &mut screen => ended,
        () = asked_to_end() => {
            asking.abort(); // the screen notices, and leaves the terminal as it was
            screen.await
        }
    };
    asking.abort();
    let drawn = screen.map_err(|error| Failure::internal(format!("the screen has ended: {error}")))?;
    drawn.map_err(|error| Failure::temporary(format!("cannot draw on this terminal: {error}")))?;
    Ok(Outcome::Done)
}

/// Waits for a signal that ends programs. In raw mode Ctrl-C is none.
async fn asked_to_end() {
    let (Ok(mut terminate), Ok(mut hang_up)) =
        (signal(SignalKind::terminate()), signal(SignalKind::hangup()))
    else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = hang_up.recv() => {}
    }
}

/// Asks until nobody looks any more.
async fn ask(look: Look, args: Args, shown: watch::Sender<Option<Picture>>) {
    let mut before = Vec::new();
    let mut asked_at = Instant::now();
    let mut asking: JoinHandle<Ground> = tokio::spawn(look.clone().ground());
    let none = |failure| Ground { survey: Err(failure), registry: None };
    let mut ground = none(Failure::unavailable("the brokers have not answered yet"));
    // At first nothing is known of the brokers, which is no reason for alarm yet.
    while !asking.is_finished() && asked_at.elapsed() < FIRST_SURVEY {
        tokio::time::sleep(PULSE).await;
    }
    while !shown.is_closed() {
        let now = look.daemons().await;
        if asking.is_finished() && (ground.survey.is_err() || asked_at.elapsed() >= SURVEY_EVERY) {
            let lost = |error| none(Failure::internal(format!("the brokers' answer is lost: {error}")));
            ground = asking.await.unwrap_or_else(lost);
            asked_at = Instant::now();
            asking = tokio::spawn(look.clone().ground());
        }
        let asked = Asked {
            space: &look.scope.space,
            before: &before,
            now: &now,
            ground: &ground,
            at_ms: clock::now_ms(),
            late_seconds: args.sources.late_seconds(),
        };
        shown.send_replace(Some(assemble(&asked)));
        before = now;
        tokio::time::sleep(Duration::from_secs(args.every)).await;
    }
}

/// Draws until a key ends it, and leaves the terminal as it was.
fn on_screen(pictures: &watch::Receiver<Option<Picture>>) -> io::Result<()> {
    let mut terminal = ratatui::try_init()?;
    let drawn = turns(&mut terminal, pictures.clone());
    ratatui::try_restore().and(drawn)
}

fn turns(terminal: &mut DefaultTerminal, mut pictures: watch::Receiver<Option<Picture>>) -> io::Result<()> {
    let mut view = View::default();
    loop {
        let picture = pictures.borrow_and_update().clone();
        terminal.draw(|frame| draw::draw(frame, picture.as_ref(), &mut view))?;
        // A key, another size of the terminal or a new picture: whatever comes first. Where nobody asks any more, it ends.
        loop {
            match pictures.has_changed() {
                Ok(false) => {}
                Ok(true) => break,
                Err(_) => return Ok(()),
            }
            if event::poll(PULSE)? {
                match event::read()? {
                    Event::Key(key) if is_end(key) => return Ok(()),
                    Event::Key(key) if key.kind == KeyEventKind::Press => view.heed(key.code),
                    _ => {}
                }
                break;
            }
        }
    }
}

/// In raw mode Ctrl-C is a key like any other.
fn is_end(key: KeyEvent) -> bool {
    let is_interrupt = key.code == KeyCode::Char('c') && key.modifiers.contains(KeyModifiers::CONTROL);
    is_interrupt || matches!(key.code, KeyCode::Char('q') | KeyCode::Esc)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser as _;

    #[tokio::test]
    async fn without_a_terminal_it_names_the_other_command() {
        let cli = crate::Cli::parse_from(["sanchar", "top", "--daemon", "127.0.0.1:1"]);
        let crate::args::Command::Top(args) = cli.command else { panic!("another command") };
        let Err(Stop::Failed(failure)) = run(args, false).await else { panic!("it drew") };
        assert_eq!(failure.exit_code(), sanchar_runtime::lifecycle::ExitCode::Usage);
        assert!(failure.to_string().contains("use `sanchar status`"), "{failure}");
    }

    #[test]
    fn q_escape_and_control_c_end_it() {
        let key = |code, modifiers| KeyEvent::new(code, modifiers);
        assert!(is_end(key(KeyCode::Char('q'), KeyModifiers::NONE)));
        assert!(is_end(key(KeyCode::Esc, KeyModifiers::NONE)));
        assert!(is_end(key(KeyCode::Char('c'), KeyModifiers::CONTROL)));
        assert!(!is_end(key(KeyCode::Char('c'), KeyModifiers::NONE)));
    }
}
