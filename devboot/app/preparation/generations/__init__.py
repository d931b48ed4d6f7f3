"""Generations of a project: recorded, compared and restored, without secret values."""
