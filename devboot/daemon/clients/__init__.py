"""Connections of clients: accepted, read without blocking, and what each asks for and how."""
