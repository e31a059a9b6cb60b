"""Upstream's own integration tests, as they are published, against a cluster that runs by itself."""
