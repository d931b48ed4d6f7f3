"""Kits: everything that a project needs in one file, and restoring it from there."""
