//! The machine, and what else it is doing.

use std::fs;

/// Processes that want a core, over the last minute.
pub(crate) fn now() -> f64 {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split_whitespace().next().and_then(|figure| figure.parse().ok()).unwrap_or(f64::NAN)
}

/// Cores, processor, kernel, and the load.
pub(crate) fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let named = info.lines().find(|line| line.starts_with("model name")).and_then(|line| line.split_once(": "));
    let processor = named.map_or("a processor without a name", |(_, name)| name).trim();
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!("{cores} cores ({processor}), Linux {}, load at the start {}", kernel.trim(), now())
}
