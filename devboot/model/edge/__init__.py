"""Parsers of manifest, recipes and lock, made with pydantic; errors name the place in the file."""
