"""Manifest + recipes + platforms → lock: pure; and the Protocol that sources implement."""
