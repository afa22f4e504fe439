//! Documents in: a topic's files, in any of the shapes people write, become one draft. Owns pulldown-cmark.
