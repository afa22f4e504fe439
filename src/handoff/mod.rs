//! Documents out: status, report, what dependents are told.
