"""Checks of everything that devboot stands on: read-only, each finding with one command; a fix is data."""
