//! Tracing set up: spans of runs, streams, tasks, jobs and checks, for logs and for OpenTelemetry.
