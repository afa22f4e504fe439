//! People and machines: one file a command. Owns clap.
