"""Repeats builds of packages that fail for a known reason, with the help that they need."""
