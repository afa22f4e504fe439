//! Evidence in, judgement none: commands, test runners' reports, red and green.
