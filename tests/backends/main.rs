//! Scripted models on 127.0.0.1, for tests with real agents' command lines.

#![expect(unreachable_pub, reason = "the modules of a test are nobody's neighbours")]

mod model;
mod protocols;
