"""The Python of a project: interpreters, requested versions, available wheels."""
