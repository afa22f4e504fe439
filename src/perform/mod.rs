//! Doing one job: perform(job) -> Ending, one kind of job a file.
