"""Runs the processes of one project: pure state machine, children, probes, logs; one thread, no asyncio.

Imports go down this list; what is marked with a star is pure.

    supervisor            all processes of a plan: what may start, what must stop, who is told
    outcome*              what has become of a request for a process
    planning* | report* | details*
                          what an `up` or a new plan starts and restarts | what is said of processes | by `ps -v`
    process               one process over all its runs: obeys `state`, remembers what came of it
    run                   one run: child, output, probes, end
    diagnosis | failures* why it could not be started | what went wrong, in words
    origins               what brings a program that is not there
    watches               the child that watches files: starts it, hears it, replaces it
    probes/               finding out that it is ready or alive, one module for each kind of asking
    silence               one that has shown why it will not get ready, and waits
    settling              decides when one without a port or a probe counts as up
    aside                 short-lived children beside it: probe and stop commands
    output | logfile | lines
                          relays what it writes | logs it; `logs` reads that again | finds readiness and hints in it
    stopping | orphans    ends a run and all that belongs to it, by events alone | ends and reaps what we have adopted
    spawn | terminal      starts a child | on a pseudo-terminal
    stamp | memory | limits | names | command* | broken* | unset* | lacking* | lacking_package* | npm_advice*
                          tasks that have run | what `ps` shows | descriptors | names as typed | where `exec` is safe |
                          code that cannot be loaded | variables without a value |
                          libraries of the system that are not there | what npm refuses
    observed | append_command
                          what a program was seen to ask for explains its end | the command that adds a line to a file
    timetable | reload_loop*
                          when a scheduled process runs next | one that reloads over and over
    watcher | exits       who belongs to a process | who has ended
    session | graph*      finds all that a child has started | who waits for whom
    state*                the life of a process: (state, event, now, policy) to (state, action)
    proctable | sockets | loop | listener
                          what the kernel tells of processes | of listening sockets | descriptors and timers |
                          who is told what happens
"""
