"""Shared value types: process specifications, manifest and lock, artifacts, platforms, digests; no I/O."""
