"""Formats text for users with the standard library only: tables, symbols, errors, log lines; no I/O."""
