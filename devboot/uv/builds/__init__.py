"""Builds of packages that fail for a known reason, and what makes them work."""
