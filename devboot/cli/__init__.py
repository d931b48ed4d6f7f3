"""What you type: the composition root; the only layer that asks the system for variables, directory and clocks."""
