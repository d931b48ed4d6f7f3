"""Store objects: read-only folders that are complete or absent, each made from one package of the lock."""
