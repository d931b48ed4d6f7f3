"""The processes of a plan and their life: a pure state machine, the graph of dependencies, one run after the other."""
