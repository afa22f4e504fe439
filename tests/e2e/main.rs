//! The binary on real repositories, as its users run it.

#![expect(unreachable_pub, reason = "the modules of a test are nobody's neighbours")]

mod agents;
mod breakdown;
mod cassettes;
mod claude;
mod collector;
mod doctor;
mod documents;
mod earned;
mod ecosystems;
mod edits;
mod execute;
mod gates;
mod limits;
mod logs;
mod neighbours;
mod proof;
mod red;
mod reports;
mod reviewers;
mod sample;
mod sandbox;
mod scope;
mod servers;
mod space;
mod strange;
mod telemetry;
mod terminal;
