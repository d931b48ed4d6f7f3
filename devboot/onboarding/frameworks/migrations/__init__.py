"""Tools that migrate databases or create their tables, one module each."""
