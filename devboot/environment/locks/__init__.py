"""Locks of other tools, turned into pins: pure converters from text to frozen values."""
