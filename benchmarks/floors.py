"""floor-py: the least that a process runner in Python can do. It spawns, copies bytes, waits; no prefix, no log.

    python floors.py Procfile [--terminals]

Every command line gets a session and a pipe (or a terminal) of its own. SIGINT or SIGTERM ends them all.
"""

import os
import select
import signal
import sys

BLOCK = 256 * 1024


def spawn(command: str, terminal: bool) -> tuple[int, int]:
    """Start one command: its pid, and the descriptor that its output is read from."""
    if terminal:
        reading, writing = os.openpty()
    else:
        reading, writing = os.pipe()
    pid = os.posix_spawn(
        "/bin/sh",
        ["/bin/sh", "-c", command],
        os.environ,
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_DUP2, writing, 1),
            (os.POSIX_SPAWN_DUP2, writing, 2),
        ],
        setsid=True,
        setsigdef=[signal.SIGPIPE],
    )
    os.close(writing)
    return pid, reading


def write(data: bytes) -> None:
    """All of it to standard output."""
    done = os.write(1, data)
    while done < len(data):
        done += os.write(1, data[done:])


def relay(readers: set[int]) -> None:
    """Copy until the last child has closed its output."""
    poll = select.poll()
    for reading in readers:
        poll.register(reading, select.POLLIN)
    while readers:
        for reading, _ in poll.poll():
            try:
                data = os.read(reading, BLOCK)
            except OSError:
                data = b""  # the last holder of a terminal has closed it
            if data:
                write(data)
            else:
                poll.unregister(reading)
                readers.discard(reading)


def end(pids: list[int]) -> None:
    """Ask all of them to end."""
    for pid in pids:
        os.kill(pid, signal.SIGTERM)


def main() -> int:
    """Run what the file says."""
    pids: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: end(pids))
    with open(sys.argv[1]) as file:
        commands = [line.partition(": ")[2].rstrip() for line in file]
    readers = set()
    for command in commands:
        pid, reading = spawn(command, "--terminals" in sys.argv)
        pids.append(pid)
        readers.add(reading)
    relay(readers)
    for pid in pids:
        os.waitpid(pid, 0)
    return 0


if __name__ == "__main__":
    sys.exit(main())
