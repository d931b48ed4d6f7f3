"""Resolves manifest and recipes into a lock, without I/O; defines the protocol of sources."""
