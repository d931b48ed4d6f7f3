"""Converts a compose file to a proposed manifest, with a report on each of its lines."""
