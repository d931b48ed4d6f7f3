"""The environment of the project's programs: packages, virtualenv, databases, variables, tasks, process specs."""
