//! What does an agent's work: definitions, the backend interface, and its backends.
