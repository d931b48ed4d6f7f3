"""Turns a compose file into a proposal for a manifest, with a report on what became of each of its lines."""
