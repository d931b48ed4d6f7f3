"""Runs the processes of one project: pure state machine, children, probes, logs; one thread, no asyncio.

Rooms, from top to bottom; imports go down only:

    core      all processes of a plan, each process, each of its runs; what starts, restarts and stops
    explain   why one did not start, ended or never became ready, in words and with advice
    probes    finding out that one is ready or alive, one module for each kind of asking
    watch     files that are watched, and processes that reload in a loop
    system    spawning and ending children, terminals, the tables of processes and sockets
    output    what children write: relayed, searched, kept in logs and read again

Below all of them `state` is the life of one process as a pure state machine, and `event_loop` waits for descriptors
and timers.
"""
