//! One demonstration from the first event to the closed books: what is seen goes to the board and into the ledger.

use std::time::{Duration, Instant};

use sanchar_runtime::lifecycle::Failure;
use tokio::signal::unix::{SignalKind, signal};

use super::board::Board;
use super::crew::Crew;
use super::ledger::{Found, Ledger};
use super::screen::Screen;
use super::watch::Watch;
use crate::outcome::Stop;
use crate::reader::Record;

/// How often the table is drawn.
const DRAW_EVERY: Duration = Duration::from_millis(200);
/// With nothing arriving for so long, whatever is missing is not on its way.
const PATIENCE: Duration = Duration::from_secs(10);

/// Everything that takes part.
pub(super) struct Show<'s, 'o> {
    watch: Watch,
    crew: Crew,
    screen: &'s mut Screen<'o>,
    board: Board,
    found: Found,
    last_arrival: Instant,
}

/// What woke the loop.
enum Woken {
    Arrival(Record),
    Tick,
    Interrupted,
}

impl<'s, 'o> Show<'s, 'o> {
    pub(super) fn new(watch: Watch, crew: Crew, screen: &'s mut Screen<'o>) -> Self {
        let (board, found) = (Board::default(), Found::default());
        Self { watch, crew, screen, board, found, last_arrival: Instant::now() }
    }

    /// Plays until every event has arrived, or nothing more arrives; then stops everybody. The first Ctrl-C or SIGTERM stops
    /// the producers and lets what is on its way arrive; the second ends at once.
    ///
    /// # Errors
    /// When a daemon fails, or at a second Ctrl-C.
    pub(super) async fn play(mut self) -> Result<Ledger, Stop> {
        let mut ticks = tokio::time::interval(DRAW_EVERY);
        let listen = |kind| {
            signal(kind).map_err(|error| Failure::internal(format!("cannot listen for signals: {error}")))
        };
        let mut interrupt = listen(SignalKind::interrupt())?;
        let mut terminate = listen(SignalKind::terminate())?;
        let mut interrupted = false;
        while !self.is_over() {
            let woken = tokio::select! {
                record = self.watch.next() => Woken::Arrival(record?),
                _ = ticks.tick() => Woken::Tick,
                _ = interrupt.recv() => Woken::Interrupted,
                _ = terminate.recv() => Woken::Interrupted,
            };
            match woken {
                Woken::Arrival(record) => self.take_in(&record).await?,
                Woken::Tick => {
                    self.crew.check().await?;
                    self.draw()?;
                }
                Woken::Interrupted if interrupted => return Err(Failure::temporary("interrupted").into()),
                Woken::Interrupted => {
                    interrupted = true;
                    self.screen
                        .say("interrupted: the producers stop, and what is on its way still arrives")?;
                    self.crew.stop_producers();
                }
            }
        }
        self.close().await
    }

    async fn take_in(&mut self, record: &Record) -> Result<(), Stop> {
        self.last_arrival = Instant::now();
        if let Some(sight) = self.watch.sight(record).await? {
            self.found.note(&sight);
            if let Some(line) = self.board.note(&sight) {
                self.screen.note(&line)?;
            }
        }
        Ok(())
    }

    fn is_over(&self) -> bool {
        let settled = self.crew.producers_have_ended() && self.ledger().is_settled();
        settled || self.last_arrival.elapsed() > PATIENCE && self.crew.producers_have_ended()
    }

    fn ledger(&self) -> Ledger {
        self.crew.ledger(&self.found)
    }

    fn draw(&mut self) -> Result<(), Stop> {
        let (published, received) = (self.board.published(), self.board.received());
        let text = format!("{}{published} published, {received} received", self.board.table());
        self.screen.draw(&text)
    }

    /// Stops the daemons and leaves the last table standing.
    async fn close(mut self) -> Result<Ledger, Stop> {
        self.crew.stop().await?;
        let table = self.board.table().to_string();
        self.screen.say(table.trim_end())?;
        Ok(self.ledger())
    }
}
