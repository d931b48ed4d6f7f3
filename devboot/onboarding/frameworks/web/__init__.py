"""Frameworks whose applications are run by a server or by their own command, one module each."""
