"""devboot.toml: its tables, and the checks that need more than one of them."""
