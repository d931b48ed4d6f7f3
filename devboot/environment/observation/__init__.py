"""Observes the first start: a startup module in the project's Python programs, and the facts it records."""
