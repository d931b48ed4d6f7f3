"""Supervisor of one project's processes: state machine, children, probes and logs, in one thread, without asyncio.

Sub-packages, from top to bottom; imports go down only:

    core      the supervisor of a plan, a process, a run; decides what starts, restarts and stops
    explain   builds the error messages for processes that did not start, ended or never became ready
    probes    readiness and liveness probes, one module per kind
    watch     watches files and detects reload loops
    system    spawns and ends children; reads the tables of processes and sockets
    output    relays, searches, logs and reads back the output of children

Below all of them, `state_machine` is the life of one process without I/O, and `event_loop` waits for descriptors and
timers.
"""
