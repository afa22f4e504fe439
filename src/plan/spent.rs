//! What a test has used of a processor, whatever else the machine is doing: tells what is linear from what is quadratic.

use std::time::Duration;

/// The time that a processor worked for this thread so far.
pub(crate) fn spent() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").expect("Linux tells it");
    let nanos = text.split(' ').next().and_then(|number| number.parse().ok()).expect("the first number is it");
    Duration::from_nanos(nanos)
}
