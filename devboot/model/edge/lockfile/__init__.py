"""devboot.lock: its grammar, differences between two of them, and merge conflicts."""
