"""Frameworks whose applications are run by a server, or by the framework's own command, one module each."""
