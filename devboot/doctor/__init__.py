"""Read-only checks of the machine and the project; each finding has one command that fixes it, as data."""
