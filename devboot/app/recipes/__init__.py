"""`recipe new`, `test`, `update`: the work of whoever writes a recipe."""
