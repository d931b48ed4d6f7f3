"""TOML with positions: documents with the place of each value, and writing and extending of texts."""
