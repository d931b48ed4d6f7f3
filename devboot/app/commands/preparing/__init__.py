"""Commands that prepare the project first: lock, packages, virtualenv and databases are complete before they act."""
