"""Assembles the findings of detection into a proposed manifest, and renders it."""
