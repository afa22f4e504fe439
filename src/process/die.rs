//! Death by our own hand, for tests that kill: SIGKILL, so that nothing is tidied up.

/// Ends this process as `kill -9` would.
pub fn die() -> ! {
    let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
    // The signal is on its way; nothing may happen before it arrives.
    loop {
        std::thread::park();
    }
}
