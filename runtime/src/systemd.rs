//! Tells systemd how the daemon is, where it runs under `Type=notify` (sd_notify(3)); elsewhere it does nothing.
//!
//! Started is said once the configuration holds and the probes answer, not once Kafka does: a broker that is down must
//! not make systemd give up. Readiness is shown as the unit's status. The watchdog is fed while `/livez` would answer
//! 200, so that a loop that hangs is restarted.

use std::ffi::OsStr;
use std::io;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

use crate::health::Health;
use crate::lifecycle::Shutdown;

/// How often the status is told where no watchdog asks for more.
const STATUS_INTERVAL: Duration = Duration::from_secs(10);

/// Tells systemd from a task of its own until the stop has begun. The environment is systemd's, not configuration.
pub(crate) fn notify(health: Health, shutdown: Shutdown) {
    let Some(address) = std::env::var_os("NOTIFY_SOCKET") else { return };
    let watchdog = std::env::var_os("WATCHDOG_USEC").and_then(|text| text.to_str()?.parse().ok());
    match Notifier::new(&address) {
        Ok(notifier) => {
            let interval = interval(watchdog.map(Duration::from_micros));
            tokio::spawn(async move { report(&notifier, interval, &health, &shutdown).await });
        }
        Err(error) => tracing::warn!(%error, "systemd cannot be notified"),
    }
}

/// sd_watchdog_enabled(3) asks for a sign of life every half of the watchdog's time.
fn interval(watchdog: Option<Duration>) -> Duration {
    watchdog.map_or(STATUS_INTERVAL, |limit| (limit / 2).clamp(Duration::from_millis(10), STATUS_INTERVAL))
}

async fn report(notifier: &Notifier, interval: Duration, health: &Health, shutdown: &Shutdown) {
    notifier.tell("READY=1");
    while !shutdown.is_triggered() {
        let status = health.ready(false).text;
        let alive = if health.live(false).ok { "WATCHDOG=1\n" } else { "" };
        notifier.tell(&format!("{alive}STATUS={}", status.trim_end()));
        drop(tokio::time::timeout(interval, shutdown.triggered()).await);
    }
    notifier.tell("STOPPING=1");
}

struct Notifier {
    socket: UnixDatagram,
    systemd: SocketAddr,
}

impl Notifier {
    /// An address that begins with `@` is an abstract one, otherwise it is a path.
    fn new(address: &OsStr) -> io::Result<Self> {
        let systemd = match address.as_bytes().strip_prefix(b"@") {
            Some(name) => SocketAddr::from_abstract_name(name)?,
            None => SocketAddr::from_pathname(address)?,
        };
        let socket = UnixDatagram::unbound()?;
        socket.set_nonblocking(true)?;
        Ok(Self { socket, systemd })
    }

    /// Best effort: a supervisor that does not listen must not hold up the daemon.
    fn tell(&self, lines: &str) {
        if let Err(error) = self.socket.send_to_addr(lines.as_bytes(), &self.systemd) {
            tracing::debug!(%error, "systemd did not take a notification");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::clock::ManualClock;

    fn heard(systemd: &UnixDatagram) -> String {
        let mut buffer = [0; 256];
        let length = systemd.recv(&mut buffer).unwrap();
        String::from_utf8(buffer[..length].to_vec()).unwrap()
    }

    #[test]
    fn it_tells_start_status_life_and_stop() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let systemd = UnixDatagram::bind(&path).unwrap();
        systemd.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let notifier = Notifier::new(path.as_os_str()).unwrap();
        let (clock, shutdown) = (Arc::new(ManualClock::new(0)), Shutdown::new());
        let health = Health::new(clock.clone(), shutdown.clone());
        health.component("consumer", Some(1_000)).ready();

        let reporter = std::thread::spawn({
            let shutdown = shutdown.clone();
            move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                runtime.block_on(report(&notifier, Duration::from_millis(10), &health, &shutdown));
            }
        });
        assert_eq!(heard(&systemd), "READY=1");
        assert_eq!(heard(&systemd), "WATCHDOG=1\nSTATUS=ready");
        clock.advance(2_000);
        let stalled =
            std::iter::repeat_with(|| heard(&systemd)).take(1_000).find(|text| text == "STATUS=ready");
        assert!(stalled.is_some(), "the watchdog is not fed while a component stalls");
        shutdown.trigger("SIGTERM");
        let stopping =
            std::iter::repeat_with(|| heard(&systemd)).take(1_000).find(|text| text == "STOPPING=1");
        assert!(stopping.is_some());
        reporter.join().unwrap();
    }

    #[test]
    fn the_watchdog_is_fed_twice_per_limit() {
        assert_eq!(interval(None), STATUS_INTERVAL);
        assert_eq!(interval(Some(Duration::from_secs(6))), Duration::from_secs(3));
        assert_eq!(interval(Some(Duration::from_secs(600))), STATUS_INTERVAL);
        assert_eq!(interval(Some(Duration::ZERO)), Duration::from_millis(10));
    }

    #[test]
    fn abstract_addresses_are_understood() {
        assert!(Notifier::new(OsStr::new("@/org/freedesktop/systemd1/notify")).is_ok());
    }
}
