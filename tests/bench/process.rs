//! What a process cost, by the kernel's own books (Linux: /proc).

use anyhow::{Context as _, Result};

/// Clock ticks per second of /proc/PID/stat; 100 on every Linux that Rust supports.
const TICKS_PER_SECOND: f64 = 100.0;

/// CPU time and memory of a process so far.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Usage {
    /// User and system time, seconds.
    pub(crate) cpu_s: f64,
    /// Peak resident memory, MiB.
    pub(crate) peak_rss_mib: f64,
}

/// Reads the books of a running process.
pub(crate) fn usage(pid: u32) -> Result<Usage> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let (_name, fields) = stat.rsplit_once(')').context("/proc/PID/stat has no name")?;
    let fields: Vec<&str> = fields.split_whitespace().collect();
    let ticks = |i: usize| fields.get(i).and_then(|field| field.parse::<f64>().ok()).unwrap_or(0.0);
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let peak = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse::<f64>().ok());
    Ok(Usage {
        cpu_s: (ticks(11) + ticks(12)) / TICKS_PER_SECOND,
        peak_rss_mib: peak.unwrap_or(0.0) / 1_024.0,
    })
}
