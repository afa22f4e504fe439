//! What happened, on disk: one SQLite file a run. Owns rusqlite.
