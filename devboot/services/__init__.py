"""Plans services from recipes and settings, and prepares their data folders, which are checked before a start."""
