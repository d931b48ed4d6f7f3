"""Runs pip for tasks that uv doesn't support: downloads of wheels, with the user's configuration."""
