"""The virtualenv of a project: what it has to be, in what condition it is, and how it gets there."""
