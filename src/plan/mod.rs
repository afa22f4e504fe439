//! What is to be done: tasks and gates as one acyclic graph. Knows nobody; does not know Markdown.
//!
//! A [`Draft`] is what an author wrote, each piece with its place in the source. [`build`] turns it into a
//! [`Blueprint`]: normalised data, which is what the journal's first entry holds. A [`Plan`] is a blueprint with its
//! graph; it is derived, acyclic by construction, and never stored.

mod agreement;
mod blueprint;
mod bound;
mod build;
mod checkpoint;
mod claim;
mod criteria;
mod cycle;
mod draft;
mod drawing;
mod edges;
mod fault;
mod figure;
mod gate;
mod graph;
mod hang;
mod id;
mod measure;
mod reach;
mod register;
mod resolve;
mod revision;
#[cfg(test)]
mod sample;
#[cfg(test)]
mod spent;
mod task;
mod width;

pub use blueprint::{Addition, Blueprint, Node, Origin};
pub use bound::Demand;
pub use build::{Settings, build, stated};
pub use draft::{
    Arrow, ClaimDraft, Draft, Effort, Extent, FigureDraft, FormName, GateDraft, Name, Needs, PhaseDraft, Prior,
    ScriptDraft, Shown, Source, SourceId, Span, StepDraft, StreamDraft, TaskDraft, Written, slug,
};
pub use drawing::{dot, mermaid};
pub use fault::{Fault, Label, Severity};
pub use figure::{Unit, last_number};
pub use gate::{Bound, Coverage, Criterion, Gate, Level, Means, Parse, Part};
pub use graph::{Plan, PlanFault};
pub use hang::NO_STREAM;
pub use id::{BackendId, NodeId, ResourceId, ReviewerId, StreamId};
pub use measure::{CoverageWish, Deployment, Measure};
pub use revision::{Progress, Revision, revise};
#[cfg(test)]
pub(crate) use spent::spent;
pub use task::{Brief, Hold, Phase, Phases, Role, Script, Task, TestWish};
