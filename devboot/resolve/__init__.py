"""Resolves manifest and recipes into a lock, without I/O; and the Protocol for sources of artifacts."""
