"""Frameworks whose applications a server or a command of their own serves, one module each."""
