"""Results of functions and classes of the standard library and other libraries, as used in settings."""
