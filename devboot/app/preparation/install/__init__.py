"""Installs or creates everything before a start: store objects, interpreters, folders, data."""
