"""The terminal of a running project: what it shows, and the keys that it reads."""
