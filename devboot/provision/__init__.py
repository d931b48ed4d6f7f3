"""From lock to store: build in staging, verify, publish; the store never fetches by itself."""
