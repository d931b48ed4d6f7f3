"""Renders everything that a person reads: errors, progress, tables; the only importer of rich."""
