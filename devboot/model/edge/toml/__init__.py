"""TOML with positions: documents that know the place of each value; canonical writing, extending of texts."""
