"""Records what the project's Python programs lack at their first start, by a module that runs at their startup."""
