"""Web frameworks, one module each."""
