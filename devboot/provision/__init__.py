"""Turns a lock into store objects: build in staging, verify, publish. The store itself never fetches."""
