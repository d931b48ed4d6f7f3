"""Frameworks whose scripts serve when they are run, one module each."""
