"""Loads a project: manifest, Procfile, detection."""
