"""Reads a project's description: manifest, Procfile, detection."""
