//! What a process costs, by the kernel's own books (Linux: /proc).

use anyhow::{Context as _, Result};

/// Clock ticks per second of /proc/PID/stat; 100 on every Linux that Rust supports.
const TICKS_PER_SECOND: f64 = 100.0;

/// What a process has used and holds now.
#[derive(Debug, Clone, Copy)]
pub struct Usage {
    /// User and system time so far, seconds.
    pub cpu_s: f64,
    /// Resident memory, MiB.
    pub rss_mib: f64,
    /// Peak resident memory, MiB.
    pub peak_rss_mib: f64,
    /// Open files, sockets among them.
    pub open_files: usize,
}

/// Reads the books of a running process.
///
/// # Errors
/// When there is no such process.
pub fn usage(pid: u32) -> Result<Usage> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let (_name, fields) = stat.rsplit_once(')').context("/proc/PID/stat has no name")?;
    let fields: Vec<&str> = fields.split_whitespace().collect();
    let ticks = |i: usize| fields.get(i).and_then(|field| field.parse::<f64>().ok()).unwrap_or(0.0);
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let mib = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let kib = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<f64>().ok());
        kib.unwrap_or(0.0) / 1_024.0
    };
    Ok(Usage {
        cpu_s: (ticks(11) + ticks(12)) / TICKS_PER_SECOND,
        rss_mib: mib("VmRSS:"),
        peak_rss_mib: mib("VmHWM:"),
        open_files: std::fs::read_dir(format!("/proc/{pid}/fd"))?.count(),
    })
}
