"""Readiness and liveness probes, one module per kind."""
