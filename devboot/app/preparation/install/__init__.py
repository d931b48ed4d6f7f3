"""Installs or creates everything needed before a start: store objects, interpreters, folders, data."""
