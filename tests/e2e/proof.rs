//! Tests first, sealing, scope: each refusal with the message a person gets.
