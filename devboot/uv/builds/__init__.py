"""Repeats builds of packages that fail for a known reason, after removing that reason."""
