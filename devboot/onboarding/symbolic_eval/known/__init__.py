"""Imitates functions and classes of the standard library and other libraries that settings use."""
