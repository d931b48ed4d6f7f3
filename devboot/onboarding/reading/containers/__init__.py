"""Compose files, Dockerfiles and their scripts: what containers would run, as commands of the clone."""
