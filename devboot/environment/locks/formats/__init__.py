"""Lock formats of other tools, read into pins: one module for each, and what poetry needs besides."""
