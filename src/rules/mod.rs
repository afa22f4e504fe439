//! What a patch may do and what a verdict says: pure functions and lists, no files, no git, no clock.
