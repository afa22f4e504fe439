//! Emptied bodies: what still builds of them, what is left as it was, and which of them count as changed.

#![expect(clippy::unwrap_used, reason = "a test may end where it stands")]
#![expect(unreachable_pub, reason = "the modules of a test are nobody's neighbours")]

mod builds;
mod chance;
mod changes;
