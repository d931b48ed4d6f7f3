"""The terminal of a running project: the display, and the keys."""
