"""Watched files: runs the child process that watches them; detects processes that reload in a loop."""
