"""`devboot logs` with a choice: which lines are wanted, where they are found, how they are shown."""
