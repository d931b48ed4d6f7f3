"""The Python of a project: interpreters, versions that its files ask for, what wheels exist for them."""
