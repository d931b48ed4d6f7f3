"""Runs pip for what uv can't do, downloads of wheels, with the user's configuration."""
