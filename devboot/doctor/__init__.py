"""Read-only checks of the machine and the project; each finding has a command that fixes it, as data."""
