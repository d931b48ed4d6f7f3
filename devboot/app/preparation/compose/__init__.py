"""The plan: services, variables and processes put together, and the snapshot that keeps them."""
