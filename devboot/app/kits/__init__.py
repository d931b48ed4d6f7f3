"""Kits: everything that a project needs in one file, and the way back out of it."""
