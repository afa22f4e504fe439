//! From a draft to a plan: what waits for what, what gates ask for, what is told. Documents are read elsewhere (`tests/breakdowns`).

#![expect(unreachable_pub, reason = "the modules of a test are nobody's neighbours")]

mod agreement;
mod author;
mod checkpoints;
mod cycles;
mod edges;
mod excess;
mod faults;
mod gates;
mod names;
mod tasks;
mod told;
