"""Typer commands that need more than one call: each runs a use case and prints its result."""
