"""Connections of clients: accepting, non-blocking reading and writing, and parsed requests."""
