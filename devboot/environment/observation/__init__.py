"""Observation of the first start: what runs first in Python programs of the project, and what it records."""
