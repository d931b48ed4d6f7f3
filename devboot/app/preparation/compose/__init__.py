"""The plan: services, variables and processes combined, and the snapshot of it."""
