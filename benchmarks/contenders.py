"""Everybody in a project folder of their own, with the same commands, ready to be started again and again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

from peers import Peer
from workload import Bell
from workshop import DEVBOOT, Running, project, run


class Contender(NamedTuple):
    """A runner and its folder. `argv` is worked out when it is first asked for: it may have to be installed."""

    peer: Peer
    folder: Path
    commands: Mapping[str, str]

    def start(self) -> Running:
        """In the foreground. Raises UnmeasurableError where it can't be had."""
        argv = self.peer.argv(self.peer.find(), self.folder, self.commands)
        return Running(argv, self.folder, terminal=self.peer.terminal)


OURS = Peer("devboot", lambda: DEVBOOT[0], lambda program, _folder, _commands: [program, "up"])


@contextmanager
def gathered(
    commands: Mapping[str, str], everybody: Iterable[Peer], manifest: str = ""
) -> Iterator[dict[str, Contender]]:
    """devboot, warm, and the others."""
    with ExitStack() as stack:
        found = {
            peer.name: Contender(peer, stack.enter_context(project(commands, manifest)), commands)
            for peer in (OURS, *everybody)
        }
        warm(found["devboot"].folder)
        yield found


def warm(folder: Path) -> None:
    """Let devboot see the project once, so that there is nothing left to work out."""
    run([*DEVBOOT, "sync"], folder)


@contextmanager
def bells(folder: Path, *names: str) -> Iterator[list[Bell]]:
    """Named pipes in a folder, for as long as they are needed."""
    made = [Bell(folder / name) for name in names]
    try:
        yield made
    finally:
        for bell in made:
            bell.close()
