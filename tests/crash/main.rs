//! Kills: whatever a run dies of, the same command goes on, and nothing is lost, doubled or left behind.

#![expect(clippy::unwrap_used, reason = "a test that panics has failed")]
#![expect(unreachable_pub, reason = "the modules of a test are nobody's neighbours")]

mod demo;
mod live;
mod many;
mod points;
mod sample;
mod signals;
#[path = "../e2e/space.rs"]
#[expect(dead_code, reason = "the harness of the other tests has more than is needed here")]
mod space;
mod terminals;
mod tide;
mod trace;
