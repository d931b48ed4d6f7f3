"""The operating system as the supervisor uses it: spawning, ending, process table, terminals, sockets, limits."""
