"""Symbolic evaluation of a clone's Python code without running it; the entry point is `evaluate.evaluate`."""
