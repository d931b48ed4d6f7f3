"""The supported web frameworks, worker libraries and tools."""
