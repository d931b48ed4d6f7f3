"""A configured uv: binary, variables, folder and callbacks; runs commands and repeats failed builds with help."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from devboot import events
from devboot.errors import MachineError
from devboot.events import Reporter, SilentReporter
from devboot.files import machine_error
from devboot.uv.settings.environ import is_offline, provisioning_environ

TYPE_CHECKING = False
if TYPE_CHECKING:
    from devboot.uv.builds.library_builds import LibrarySupply
    from devboot.uv.child import Finished, Lease

_PROGRESS = re.compile(
    r"^\s*(?:(?:Resolved|Prepared|Installed|Uninstalled|Checked|Downloading|Downloaded|Building|Built|Updating|Updated)\b"
    r"|[+~-] [a-z0-9])"
)


@dataclass(frozen=True, slots=True)
class Uv:
    """uv's binary with the variables, the folder and the callbacks of one run.

    `environ` is scrubbed already (see `make_uv`); `folder` is where uv looks for the project's own `[tool.uv]`;
    `only_looks`: nothing in the clone is run; `on_line` is called with each line of progress; `lease` is called with
    the process group of each child. `refused` keeps the reason why an interpreter couldn't be downloaded, by request:
    asking again would take as long to fail. `libraries` provides system libraries that builds lack; without it such
    builds fail.
    """

    binary: str
    environ: Mapping[str, str]
    folder: str
    offline: bool = False
    only_looks: bool = False
    timeout: float = 3600.0
    on_line: Callable[[str], None] | None = None
    lease: Lease | None = field(default=None)
    refused: dict[str, str] = field(default_factory=dict, compare=False)
    reporter: Reporter = field(default=SilentReporter(), compare=False)
    libraries: LibrarySupply | None = field(default=None, compare=False)

    def shown_by(self, reporter: Reporter) -> Uv:
        """Return this uv with a reporter that shows its calls while no step is shown."""
        return replace(self, reporter=reporter)

    def inside(self, folder: str) -> Uv:
        """Return this uv for another working folder."""
        return replace(self, folder=folder)

    def listening(self, on_line: Callable[[str], None]) -> Uv:
        """Return this uv with another callback for output lines."""
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
        """Run `uv ARGUMENTS` and return its output.

        Args:
            arguments: the command and its options.
            doing: the action in error messages, as in "could not `doing`".
            stdin: the text that uv reads.
            variables: further variables.
            alone: returns the arguments for one of several requirements (`name==version`), none for a foreign one.
                A requirement that lacks a system library is then built separately, and the whole command is run
                again.

        Raises:
            DevbootError: uv failed; see `failures.failure` for the classes and slugs.

        """
        from devboot.uv.builds.older_setuptools import with_older_setuptools
        from devboot.uv.failures import failure
        from devboot.uv.settings.network import blame_settings

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
        """Repeat a failed run with the system libraries that its builds lack.

        Returns how the last run ended, and why a library couldn't be fetched ("" if none failed).
        """
        from devboot.uv.builds.library_builds import Attempts
        from devboot.uv.failures import unbuilt_requirement

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
        """Run `uv ARGUMENTS` and return its result, failed or not.

        Raises:
            MachineError: `python/no-uv`, uv can't be started; `python/uv-stalled`, it took too long.
            ManifestError: `python/unreadable`, uv would wait for a named pipe or read endlessly.

        """
        from devboot.uv.child import TimedOut, run_child
        from devboot.uv.local_files import refuse_arguments, refuse_project

        refuse_project(self.folder)
        refuse_arguments(arguments, self.folder)
        if self.only_looks:
            _make_cache(self.environ["UV_CACHE_DIR"])
        adds_offline = self.offline and "--offline" not in arguments  # uv rejects a repeated option
        command = [self.binary, *arguments, *(["--offline"] if adds_offline else [])]
        try:
            with events.doing(self.reporter, events.BESIDE, doing):
                return run_child(
                    command,
                    environ={**self.environ, **(variables or {})},
                    folder=self.folder,
                    stdin=stdin,
                    timeout=self.timeout,
                    on_line=self._pass_on,
                    lease=self.lease,
                )
        except OSError as error:
            raise MachineError(
                "python/no-uv",
                f"could not {doing}: devboot's own uv can't be started",
                causes=(str(error),),
                help=_GET_UV,
            ) from error
        except TimedOut as error:
            raise MachineError(
                "python/uv-stalled",
                f"could not {doing}: uv was stopped after {self.timeout:.0f} s",
                details=error.lines[-5:],
                causes=("a package's build waits for something, or the network sends nothing",),
                help=("uv's last lines are above: run the same command again once its reason is gone",),
            ) from error

    def _pass_on(self, line: str) -> None:
        if self.on_line is not None and _PROGRESS.match(line):
            self.on_line(line.strip())


_GET_UV = ("pipx reinstall devboot   # or, in devboot's checkout: uv tool install --force .",)


def make_uv(
    environ: Mapping[str, str],
    folder: str,
    *,
    offline: bool = False,
    on_line: Callable[[str], None] | None = None,
    lease: Lease | None = None,
) -> Uv:
    """Configure the uv that comes with devboot; the caller's variables can switch the network off, too.

    Raises:
        MachineError: `python/no-uv`, its package is installed but its binary is missing.

    """
    is_off = offline or is_offline(environ)
    return Uv(find_binary(), provisioning_environ(environ), folder, is_off, on_line=on_line, lease=lease)


def make_looking_uv(environ: Mapping[str, str], folder: str, cache: str) -> Uv:
    """Configure a uv for commands that only inspect the clone in `folder`: it reads, and runs nothing from it.

    The network is off, settings of the clone (`[tool.uv]`, uv.toml) are ignored, and programs in it aren't found.
    uv writes only below `cache`, devboot's own cache directory.

    Raises:
        MachineError: `python/no-uv`.

    """
    own = os.path.join(cache, "looking")
    outside = [each for each in provisioning_environ(environ)["PATH"].split(os.pathsep) if not _is_below(each, folder)]
    variables = {"UV_CACHE_DIR": own, "UV_NO_CONFIG": "1", "TMPDIR": own, "PATH": os.pathsep.join(outside)}
    return replace(make_uv({**environ, **variables}, folder, offline=True), only_looks=True)


def _make_cache(own: str) -> None:
    """Create the cache folder of a uv that only inspects, when it first runs, since most projects need none."""
    try:
        os.makedirs(own, mode=0o700, exist_ok=True)
    except OSError as error:
        raise machine_error(error, own, "use") from error


def _is_below(path: str, folder: str) -> bool:
    return os.path.realpath(path).startswith(os.path.join(os.path.realpath(folder), ""))


def find_binary() -> str:
    """Return the path of uv's binary, which is a dependency of devboot. Raises MachineError `python/no-uv`."""
    import uv

    try:
        return uv.find_uv_bin()
    except FileNotFoundError as error:
        raise MachineError(
            "python/no-uv", "uv's program is missing from devboot's installation", causes=(str(error),), help=_GET_UV
        ) from error
