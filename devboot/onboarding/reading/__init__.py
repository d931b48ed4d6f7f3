"""Bounded readers of a clone: files, YAML, compose, Procfile, lists of packages, Dockerfiles, package.json."""
