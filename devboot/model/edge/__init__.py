"""Typed edges: the manifest, recipe and lock grammars as frozen pydantic models, with errors that know their place."""
