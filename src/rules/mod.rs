//! What a patch may do and what a verdict says: pure functions and lists, no files, no git, no clock.

mod advice;
mod bodies;
mod exports;
mod green;
mod growth;
mod idiom;
mod integrity;
mod javascript;
mod leftover;
mod lexis;
mod outline;
mod protected;
mod python;
mod red;
mod report;
mod requirements;
mod rust;
mod scope;
mod seal;
mod test_name;
mod verdict;
mod wiring;

pub use advice::{ADVICE_SCHEMA, Advice, advice};
pub use bodies::{Without, WithoutCase, passes_reverted, proves_nothing, told_without, without};
pub use green::{Green, GreenCase, green};
pub use integrity::{Inspected, inspect, leak, leaks};
pub use leftover::{is_leftover, is_leftover_folder};
pub use protected::{Protected, Shut, protects};
pub use red::{RedCase, RedProof, red};
pub use report::{Build, BuildError, ErrorKind, Report, TestResult};
pub use rust::{Sketch, TestFn, product_part, restore_test_part, sketch, test_part};
pub use scope::{BadGlob, Change, Judgement, Role, Scope, ScopeTerms, Side, Why, declared};
pub use seal::{Breach, How, Listing, Restore, breaches};
pub use test_name::{ScannedTest, is_test_path, names, tests_in};
pub use verdict::{VERDICT_SCHEMA, Verdict, verdict};
pub use wiring::{Wiring, is_shared, is_wiring_alone, pins_dependencies, wiring};
