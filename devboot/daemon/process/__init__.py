"""Life of the daemon process: fork, signals, guardian, and the lists needed to clean up after it."""
