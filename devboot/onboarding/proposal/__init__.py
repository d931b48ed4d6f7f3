"""Puts together what was found, and renders it."""
