//! An address for a server that starts later, or more than once. Not for one that may take any: that one binds port 0.
//!
//! A port that was free a moment ago may be another's before the server asks for it. So this gives addresses that nobody else
//! asks for: this process's number is in them, and their ports are none that the kernel gives away by itself.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, Ordering};

/// Ports from here on, below those that Linux chooses from (`net.ipv4.ip_local_port_range`).
const FIRST: u16 = 20_000;
const COUNT: u16 = 12_000;

/// An address of loopback, another at each call.
#[must_use]
pub fn own_address() -> SocketAddr {
    static TAKEN: AtomicU32 = AtomicU32::new(0);
    let process = std::process::id();
    let port =
        process.wrapping_mul(31).wrapping_add(TAKEN.fetch_add(1, Ordering::Relaxed)) % u32::from(COUNT);
    // 127.0.0.0/16 is where everybody listens; a process number has 22 bits.
    let [_, high, middle, low] = process.to_be_bytes();
    SocketAddr::from(([127, 1 + high, middle, low], FIRST + u16::try_from(port).unwrap_or_default()))
}
