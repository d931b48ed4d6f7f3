"""TOML with places: documents read with the position of each value, texts written and extended."""
