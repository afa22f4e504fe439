//! The binary on real repositories, as its users run it.

#![expect(unreachable_pub, reason = "the modules of a test are nobody's neighbours")]

mod documents;
mod execute;
mod gates;
mod proof;
mod space;
