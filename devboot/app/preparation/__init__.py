"""The slow path from a clone to a project whose processes can start; `prepare` runs its steps."""
