"""Readers of compose files, Dockerfiles and their scripts, which convert containers' commands to the clone's."""
