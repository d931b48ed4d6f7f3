"""Renders output for people: errors, progress, tables; the only importer of rich."""
