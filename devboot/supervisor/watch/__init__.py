"""Watched files: the child process that watches them, and processes that reload in a loop."""
