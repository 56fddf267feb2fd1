//! What becomes of the records of a transaction: the three kinds of refusal, each with its consequence.

use super::early::Early;
use super::{End, Engine};
use crate::batch::Batch;
use crate::client::{Connector, Message, Record, SendError};
use crate::dead_letter;
use crate::processor::{Outputs, Poison, Processor, Refusal, sender};
use sanchar_runtime::lifecycle::Failure;

/// Records are processed for so large a part of the time that the brokers leave a transaction open, one over this: each of them
/// may wait for an answer, of a registry for example. The rest is for the commit.
const PROCESSING_PART: u64 = 3;

/// What the processor did with a record.
pub(super) enum Attempt {
    Done { sent: usize },
    Waits(String),
    Poison(Poison),
}

/// What one turn did with the records at the front of the batch.
pub(super) struct Turn {
    pub(super) done: usize,
    /// What the next record waits for.
    pub(super) waiting: Option<String>,
    pub(super) dead: Vec<Poison>,
}

impl<C: Connector, P: Processor> Engine<C, P> {
    /// Processes a batch, as far as it goes and a transaction may last that began at `began_ms` of uptime.
    pub(super) fn process<M: Message>(
        &mut self,
        client: &C::Client,
        batch: &Batch<M>,
        early: &Early,
        began_ms: u64,
    ) -> Result<Turn, End> {
        let mut turn = Turn { done: 0, waiting: None, dead: Vec::new() };
        let until_ms = began_ms + u64::from(self.config.transaction_timeout_ms) / PROCESSING_PART;
        let send = sender(client, self.job.output_bytes_max);
        for message in batch.messages() {
            let is_time = turn.done > 0 && self.context.clock.uptime_ms() >= until_ms;
            if is_time || early.is_enough(turn.done, &self.ahead) {
                break; // the rest is for the next transaction
            }
            match self.attempt(&send, message)? {
                Attempt::Done { .. } => {}
                Attempt::Waits(waiting) => {
                    turn.waiting = Some(waiting);
                    break;
                }
                Attempt::Poison(poison) => {
                    let now_ms = self.context.clock.now_ms();
                    dead_letter::send(client, &self.job, message, &poison, now_ms).map_err(|error| {
                        match error {
                            SendError::Client(error) => End::from(error),
                            SendError::TooLarge { .. } => End::Failed(Failure::config(format!(
                                "a dead letter does not fit into {}: raise its max.message.bytes; {error}",
                                self.job.dlq_topic
                            ))),
                        }
                    })?;
                    turn.dead.push(poison);
                }
            }
            turn.done += 1;
        }
        Ok(turn)
    }

    /// Lets the processor have a record, which it processes or leaves alone.
    pub(super) fn attempt(
        &mut self,
        send: &dyn Fn(Record<'_>) -> Result<(), SendError>,
        message: &dyn Message,
    ) -> Result<Attempt, End> {
        let mut outputs = Outputs::new(send, &self.job.changelog_topic);
        let refusal = self.processor.process(message, &mut outputs).err();
        let sent = outputs.sent();
        if let Some(error) = outputs.client_failure() {
            return Err(error.into());
        }
        match refusal {
            None => Ok(Attempt::Done { sent }),
            Some(_) if sent > 0 => {
                let text = "a processor refused a record after it had written outputs of it";
                Err(End::Failed(Failure::internal(text)))
            }
            Some(Refusal::Fatal(failure)) => Err(End::Failed(failure)),
            Some(Refusal::Retryable(waiting)) => Ok(Attempt::Waits(waiting)),
            Some(Refusal::Poison(poison)) => Ok(Attempt::Poison(poison)),
        }
    }
}
