"""devboot.lock: read, completed with available versions, written."""
