//! The wish that a daemon read again what may change while it runs (SIGHUP).
//!
//! It only tells; what is read again, and what becomes of a mistake in it, is each daemon's business.

use std::sync::Arc;

use tokio::sync::watch;

/// Asks for it. Clones ask the same listeners.
#[derive(Debug, Clone)]
pub struct Reload {
    times: Arc<watch::Sender<u64>>,
}

/// Hears of it.
#[derive(Debug)]
pub struct Reloads {
    times: watch::Receiver<u64>,
}

impl Reload {
    /// Nobody has asked yet.
    pub fn new() -> Self {
        Self { times: Arc::new(watch::Sender::new(0)) }
    }

    /// Asks. Returns whether anybody listens.
    pub fn ask(&self) -> bool {
        self.times.send_modify(|times| *times += 1);
        self.times.receiver_count() > 0
    }

    /// Listens from now on.
    pub fn listen(&self) -> Reloads {
        Reloads { times: self.times.subscribe() }
    }
}

impl Default for Reload {
    fn default() -> Self {
        Self::new()
    }
}

impl Reloads {
    /// Waits until somebody asks. Several wishes that come while nobody waits are one. Where nobody can ask any more, this
    /// waits for ever.
    pub async fn asked(&mut self) {
        if self.times.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[tokio::test]
    async fn wishes_are_heard_once_however_many_they_were() {
        let reload = Reload::new();
        assert!(!reload.ask(), "nobody listens");
        let mut listener = reload.listen();
        assert!(reload.ask() && reload.clone().ask());
        listener.asked().await;
        let again = tokio::time::timeout(Duration::from_millis(20), listener.asked()).await;
        assert!(again.is_err(), "nobody asked a second time");
    }
}
