//! The binary on real repositories, as its users run it.

#![expect(unreachable_pub, reason = "the modules of a test are nobody's neighbours")]

mod agents;
mod bodies;
mod breakdown;
mod cassettes;
mod claude;
mod collector;
mod coverage;
mod crowd;
mod deployment;
mod doctor;
mod documents;
mod earned;
mod ecosystems;
mod edits;
mod execute;
mod finished;
mod gates;
mod homes;
mod in_place;
mod limits;
mod logs;
mod measured;
mod neighbours;
mod plans;
mod platform;
mod proof;
mod red;
mod reports;
mod resources;
mod reviewers;
mod sample;
mod sandbox;
mod scale;
mod scope;
mod servers;
mod space;
mod strange;
mod telemetry;
mod terminal;
mod train;
mod workspaces;
