//! tidegate runs the execution phase of agent-driven software work. The modules, floor by floor; this list is the architecture.

// Ground floor: what is to be done, and text from outside made fit. They know nobody.
pub mod plan;
pub mod text;

// First floor: what happened, and what now; what a patch may do; what people see of it; and, in the east wing, documents in.
pub mod board;
pub mod notes;
pub mod rules;
pub mod run;

// Second floor: tools. Each knows plan and run's values, none knows another but process.
pub mod agent;
pub mod bodies;
pub mod check;
pub mod context;
pub mod handoff;
pub mod journal;
pub mod mcp;
pub mod process;
pub mod views;
pub mod workspace;

// Third floor: doing one job.
pub mod perform;

// Fourth floor: who does it, when it dies, how it is told to stop.
pub mod actors;

// Top: people and machines. Imported by nobody.
pub mod cli;
pub mod config;
pub mod telemetry;
