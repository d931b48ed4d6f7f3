"""A configured uv: where it is, what it may see, who hears its lines."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from devboot import events
from devboot.errors import MachineError
from devboot.events import Reporter, SilentReporter
from devboot.uv.builds.library_builds import Attempts, LibrarySupply
from devboot.uv.builds.older_setuptools import with_older_setuptools
from devboot.uv.child import Finished, Lease, TimedOut, run_child
from devboot.uv.failures import failure, unbuilt_requirement
from devboot.uv.local_files import refuse_arguments, refuse_project
from devboot.uv.settings.environ import is_offline, provisioning_environ
from devboot.uv.settings.network import blame_settings

_PROGRESS = re.compile(
    r"^\s*(?:(?:Resolved|Prepared|Installed|Uninstalled|Checked|Downloading|Downloaded|Building|Built|Updating|Updated)\b"
    r"|[+~-] [a-z0-9])"
)


@dataclass(frozen=True, slots=True)
class Uv:
    """uv's binary with the variables, the folder and the listeners of one provisioning run.

    `environ` is scrubbed already (`make_uv` does it); `folder` is where uv looks for the project's own `[tool.uv]`;
    `on_line` hears each line of progress; `lease` is told the process group of each child. `refused` keeps why an
    interpreter couldn't be downloaded, by what was asked for: a step later it would take as long to fail again.
    `libraries` has what builds lack; without it they fail.
    """

    binary: str
    environ: Mapping[str, str]
    folder: str
    offline: bool = False
    timeout: float = 3600.0
    on_line: Callable[[str], None] | None = None
    lease: Lease | None = field(default=None)
    refused: dict[str, str] = field(default_factory=dict, compare=False)
    reporter: Reporter = field(default=SilentReporter(), compare=False)
    libraries: LibrarySupply | None = field(default=None, compare=False)

    def shown_by(self, reporter: Reporter) -> Uv:
        """Give the same uv, each call of which is shown where no step of the reporter is at work."""
        return replace(self, reporter=reporter)

    def inside(self, folder: str) -> Uv:
        """Give the same uv for another folder."""
        return replace(self, folder=folder)

    def listening(self, on_line: Callable[[str], None]) -> Uv:
        """Give the same uv with another listener."""
        return replace(self, on_line=on_line)

    def run(
        self,
        arguments: Sequence[str],
        *,
        doing: str,
        stdin: str = "",
        variables: Mapping[str, str] | None = None,
        alone: Callable[[str], Sequence[str]] | None = None,
    ) -> Finished:
        """Run `uv ARGUMENTS`.

        Args:
            arguments: the command and its options.
            doing: what an error says could not be done.
            stdin: the text that uv reads.
            variables: further variables.
            alone: gives the arguments for one requirement (`name==version`) of several, none for a foreign one. One
                that lacks a system library is built by itself then, and the whole command is run again afterwards.

        Raises:
            DevbootError: uv failed; see `failures.failure` for the classes and slugs.

        """
        given = dict(variables or {})

        def run(words: Sequence[str], more: Mapping[str, str]) -> Finished:
            def again(extra: Mapping[str, str]) -> Finished:
                return self.attempt(words, doing=doing, stdin=stdin, variables={**given, **more, **extra})

            return with_older_setuptools(again({}), again, {**self.environ, **given, **more})

        finished, refusal = run(arguments, {}), ""
        if finished.code != 0 and self.libraries is not None:
            finished, refusal = self._with_libraries(self.libraries, finished, run, arguments, alone)
        if finished.code != 0:
            path = self.environ.get("PATH", "")
            failed = failure(finished.lines, finished.code, doing=doing, search_path=path, refusal=refusal)
            raise blame_settings(failed, finished.lines, self.environ)
        return finished

    def _with_libraries(
        self,
        supply: LibrarySupply,
        finished: Finished,
        run: Callable[[Sequence[str], Mapping[str, str]], Finished],
        arguments: Sequence[str],
        alone: Callable[[str], Sequence[str]] | None,
    ) -> tuple[Finished, str]:
        """Go on from a failed run with the libraries that its builds lack; also why one couldn't be fetched."""
        built = set[str]()
        while True:
            attempts, requirement = Attempts(supply), unbuilt_requirement(finished.lines)
            words = arguments if alone is None else alone(requirement) if requirement not in built else ()
            if not words:
                return finished, ""
            last = attempts.go_on(finished, requirement, lambda more, words=words: run(words, more))  # type: ignore[misc]
            if last.code != 0 or alone is None or not attempts.libraries:
                return last, attempts.refusal
            supply.remember(requirement, attempts.libraries)
            built.add(requirement)
            finished = run(arguments, {})
            if finished.code == 0:
                return finished, ""

    def attempt(
        self, arguments: Sequence[str], *, doing: str, stdin: str = "", variables: Mapping[str, str] | None = None
    ) -> Finished:
        """Run `uv ARGUMENTS` and return how it ended, failed or not.

        Raises:
            MachineError: `python/no-uv`, uv can't be started; `python/uv-stalled`, it took too long.
            ManifestError: `python/unreadable`, uv would wait for a named pipe or read without end.

        """
        refuse_project(self.folder)
        refuse_arguments(arguments, self.folder)
        is_told = self.offline and "--offline" not in arguments  # uv refuses to be told twice
        command = [self.binary, *arguments, *(["--offline"] if is_told else [])]
        try:
            with events.doing(self.reporter, events.BESIDE, doing):
                return run_child(
                    command,
                    environ={**self.environ, **(variables or {})},
                    folder=self.folder,
                    stdin=stdin,
                    timeout=self.timeout,
                    on_line=self._hear,
                    lease=self.lease,
                )
        except OSError as error:
            raise MachineError(
                "python/no-uv", f"could not {doing}: uv can't be started", causes=(str(error),), help=_GET_UV
            ) from error
        except TimedOut as error:
            raise MachineError(
                "python/uv-stalled",
                f"could not {doing}: uv took more than {self.timeout:.0f} s",
                details=error.lines[-5:],
            ) from error

    def _hear(self, line: str) -> None:
        if self.on_line is not None and _PROGRESS.match(line):
            self.on_line(line.strip())


_GET_UV = ("uv tool install --force devboot",)


def make_uv(
    environ: Mapping[str, str],
    folder: str,
    *,
    offline: bool = False,
    on_line: Callable[[str], None] | None = None,
    lease: Lease | None = None,
) -> Uv:
    """Configure the uv that devboot brings along; the caller's variables can switch the network off, too.

    Raises:
        MachineError: `python/no-uv`, its package is there but its binary isn't.

    """
    is_off = offline or is_offline(environ)
    return Uv(find_binary(), provisioning_environ(environ), folder, is_off, on_line=on_line, lease=lease)


def make_looking_uv(environ: Mapping[str, str], folder: str, cache: str) -> Uv:
    """Configure a uv for commands that merely look at the clone in `folder`: it reads, and runs nothing out of it.

    The network is off, settings of the clone (`[tool.uv]`, uv.toml) don't count, and programs in it aren't found. What
    uv writes goes below `cache`, devboot's own.

    Raises:
        MachineError: `python/no-uv`.

    """
    own = os.path.join(cache, "looking")
    outside = [each for each in provisioning_environ(environ)["PATH"].split(os.pathsep) if not _is_below(each, folder)]
    variables = {"UV_CACHE_DIR": own, "UV_NO_CONFIG": "1", "TMPDIR": own, "PATH": os.pathsep.join(outside)}
    uv = make_uv({**environ, **variables}, folder, offline=True)
    os.makedirs(own, mode=0o700, exist_ok=True)
    return uv


def _is_below(path: str, folder: str) -> bool:
    return os.path.realpath(path).startswith(os.path.join(os.path.realpath(folder), ""))


def find_binary() -> str:
    """Give the path of uv's binary, a dependency of devboot's."""
    import uv

    try:
        return uv.find_uv_bin()
    except FileNotFoundError as error:
        raise MachineError(
            "python/no-uv", "uv's program is missing from devboot's installation", causes=(str(error),), help=_GET_UV
        ) from error
