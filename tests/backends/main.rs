//! Real agents' command lines against scripted models on 127.0.0.1.
//!
//! `.ci/clis` installs them. A test whose command line is missing says so and passes, except where `CI` is `true`.

#![expect(unreachable_pub, reason = "the modules of a test are nobody's neighbours")]

mod clis;
mod crew;
mod desk;
mod endings;
mod hazards;
mod model;
mod protocols;
mod served;
#[expect(dead_code, reason = "shared with tests/e2e, which needs more of it")]
#[path = "../e2e/space.rs"]
mod space;
mod walk;
