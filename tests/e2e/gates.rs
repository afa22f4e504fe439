//! Gates, reviewers and conflicts, through the binary.
