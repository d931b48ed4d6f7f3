"""Objects of the store: read-only folders that are whole or absent, made from one package of the lock."""
