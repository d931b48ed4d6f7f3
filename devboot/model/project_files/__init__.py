"""Parsers of files that a clone has besides the manifest: Procfile, env files, overmind's settings."""
