//! tidegate.toml, flags and environment become the options of each module. The only reader of the environment.
