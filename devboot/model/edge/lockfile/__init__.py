"""devboot.lock: its grammar, differences between two locks, and merge conflicts in it."""
