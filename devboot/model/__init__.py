"""Values that the whole program speaks in: specs, locks, platforms, digests; no I/O."""
