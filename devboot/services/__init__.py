"""Services: planned from recipes and settings; their data folders, checked before each start."""
