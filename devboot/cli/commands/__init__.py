"""Typer commands that are more than one call: each asks a use case and writes what it returns."""
