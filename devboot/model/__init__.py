"""Shared values without I/O: process specifications, manifest and lock, artifacts, platforms, digests."""
