"""Converts locks of other tools to pins: pure functions from text to frozen values."""
