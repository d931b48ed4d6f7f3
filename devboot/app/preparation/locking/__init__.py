"""devboot.lock: read, completed from what can be had, written."""
