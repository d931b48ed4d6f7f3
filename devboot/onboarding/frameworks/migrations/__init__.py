"""Tools that prepare databases, one module each."""
