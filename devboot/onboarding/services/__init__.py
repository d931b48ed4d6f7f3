"""Which servers the application needs, and how it is told where they are."""
