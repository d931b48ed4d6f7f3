"""Ports of a project: chosen, recorded, checked, and named by who holds them."""
