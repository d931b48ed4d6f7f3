"""`recipe new`, `test`, `update`: commands for authors of recipes."""
