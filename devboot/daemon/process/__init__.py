"""The life of the daemon process itself: fork, signals, guardian, and the clean-up of what is left behind."""
