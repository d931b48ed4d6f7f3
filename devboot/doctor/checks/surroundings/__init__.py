"""Checks of what surrounds a project: the machine, its directories, the network, git, the shell, the store."""
