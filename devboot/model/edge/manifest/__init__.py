"""devboot.toml: its tables, and the checks across tables."""
