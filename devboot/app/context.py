"""The environment of a command: directory, variables, streams, clocks; created once by the command line."""

from __future__ import annotations

from devboot.paths import Paths, passwd_home, user_directories
from devboot.record import Record
from devboot.state.projects import Projects
from devboot.text.modes import OutputOptions, StreamFacts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class Context(Record):
    """The caller's directory, variables, streams, clocks and user; code below `cli` gets them only from here.

    `cwd` is absolute, `-C` already applied. `clock` is monotonic seconds, `wall_clock` seconds since the epoch.
    """

    cwd: str
    environ: Mapping[str, str]
    stdin: StreamFacts
    stdout: StreamFacts
    stderr: StreamFacts
    output: OutputOptions
    clock: Callable[[], float]
    wall_clock: Callable[[], float]
    uid: int
    version: str

    def paths(self) -> Paths:
        """Return devboot's data, cache, state and runtime directories (the runtime one is created).

        Raises MachineError `machine/no-home` and `machine/unsafe-runtime-dir`.
        """
        return Paths.from_environ(self.environ, self.uid)

    def directories(self) -> tuple[str, str, str]:
        """Return devboot's data, cache and state directories; nothing is created. Raises MachineError."""
        return user_directories(self.environ, lambda: passwd_home(self.uid))

    def projects(self) -> Projects:
        """Return the object that finds the folders of this user's projects; nothing is created.

        Raises MachineError `machine/no-home`.
        """
        return Projects.from_environ(self.environ)
