"""The long way from a clone to everything that its processes need; `prepare` leads it."""
