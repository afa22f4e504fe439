//! Who does it, when it dies, how it is told to stop. Owns ractor.
