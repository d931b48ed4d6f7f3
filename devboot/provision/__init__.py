"""Turns a lock into store objects: builds in a staging folder, verifies, publishes."""
