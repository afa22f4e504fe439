//! What people see: one fold over the journal's entries, and its renderings. Owns indicatif and dashmap.
