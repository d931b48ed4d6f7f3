"""Parsers of manifest, recipes and lock: frozen pydantic models whose errors have a place."""
