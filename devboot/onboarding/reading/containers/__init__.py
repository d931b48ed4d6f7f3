"""Readers of compose files, Dockerfiles and their scripts: the commands of containers as commands of the clone."""
