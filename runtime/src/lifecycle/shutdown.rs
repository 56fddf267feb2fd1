//! The wish that the process stop, seen by every part of it.
//!
//! It only tells; each part decides how to finish what it has begun.

use std::sync::Arc;

use tokio::sync::watch;

/// A flag that is raised once and never lowered. Clones see the same flag.
#[derive(Debug, Clone)]
pub struct Shutdown {
    reason: Arc<watch::Sender<Option<&'static str>>>,
}

impl Shutdown {
    /// A flag not yet raised.
    pub fn new() -> Self {
        Self { reason: Arc::new(watch::Sender::new(None)) }
    }

    /// Raises the flag. The first reason stays.
    pub fn trigger(&self, reason: &'static str) {
        self.reason.send_if_modified(|current| {
            let first = current.is_none();
            current.get_or_insert(reason);
            first
        });
    }

    /// Whether the flag is raised: for loops that block. Cheap enough for every turn.
    pub fn is_triggered(&self) -> bool {
        self.reason().is_some()
    }

    /// Why the flag was raised, if it was.
    pub fn reason(&self) -> Option<&'static str> {
        *self.reason.borrow()
    }

    /// Waits until the flag is raised.
    pub async fn triggered(&self) {
        let mut receiver = self.reason.subscribe();
        // An error would mean that the sender is gone, and `self` holds it.
        drop(receiver.wait_for(Option::is_some).await);
    }
}

impl Default for Shutdown {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn every_clone_sees_the_first_reason() {
        let shutdown = Shutdown::new();
        let waiting = tokio::spawn({
            let shutdown = shutdown.clone();
            async move { shutdown.triggered().await }
        });
        assert!(!shutdown.is_triggered());
        shutdown.trigger("SIGTERM");
        shutdown.trigger("too late");
        waiting.await.unwrap();
        assert!(shutdown.is_triggered());
        assert_eq!(shutdown.clone().reason(), Some("SIGTERM"));
        shutdown.triggered().await;
    }
}
