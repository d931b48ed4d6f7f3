"""Frameworks whose scripts start a server when run, one module each."""
