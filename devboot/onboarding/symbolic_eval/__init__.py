"""Follows Python code of a clone without running it, by one function: `evaluate.evaluate`."""
