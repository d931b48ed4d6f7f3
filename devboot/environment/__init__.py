"""What the project's programs run in: packages, virtualenv, databases, variables, tasks, and what runs when."""
