"""Composes services, variables and processes into the plan, and builds the snapshot of it."""
