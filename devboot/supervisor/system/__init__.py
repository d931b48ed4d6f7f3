"""Interface to the operating system: spawning, terminating, process table, terminals, sockets, limits."""
