"""The slow path from a clone to everything that its processes need; `prepare` runs its steps."""
