"""Evaluates a clone's Python code symbolically, without running it; the entry point is `evaluate.evaluate`."""
