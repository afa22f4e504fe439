"""A small job platform."""
