"""Follows Python code of a clone without running it: what settings are worth, and which variables decide."""
