"""Assembles the findings into a proposal, and renders it."""
