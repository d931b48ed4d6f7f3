"""Finding out that a process is ready, and later that it is still alive: one module for each kind of asking."""
