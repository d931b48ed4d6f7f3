"""The virtualenv of a project: its spec, its condition, and its sync."""
