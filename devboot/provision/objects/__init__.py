"""Store objects: read-only folders, each made from one package of the lock, complete or absent."""
