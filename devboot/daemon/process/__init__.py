"""Life of the daemon process: fork, signals, guardian, and lists for cleaning up after it."""
