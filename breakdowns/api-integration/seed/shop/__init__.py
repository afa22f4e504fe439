"""A client for the shop's web API."""
