"""Readers of a clone's files with limits: YAML, compose, Procfile, lists of packages, Dockerfiles, package.json."""
