"""Temporary projects and the commands that run in them, in an environment of their own."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, NamedTuple

import processes
from measuring import UnmeasurableError

DEVBOOT = (str(Path(sys.executable).parent / "devboot"),)
PYTHON = sys.executable
ROOT = Path(__file__).resolve().parent.parent
CACHE = Path(tempfile.gettempdir()) / f"devboot-benchmarks-{os.getuid()}"
PATIENCE = 120.0


def environment(home: Path | None = None, **more: str) -> dict[str, str]:
    """The caller's variables, but with a HOME that only benchmarks use, so that nobody's store or caches matter."""
    place = home or CACHE / "home"
    place.mkdir(parents=True, exist_ok=True)
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("XDG_", "DEVBOOT", "VIRTUAL_ENV"))
    }
    return {**kept, **_configuration(Path.home()), "HOME": str(place), **more}


def _configuration(home: Path) -> dict[str, str]:
    """Where the caller's own files say which package index to use: that is not to be lost with HOME."""
    files = {
        "PIP_CONFIG_FILE": home / ".config/pip/pip.conf",
        "UV_CONFIG_FILE": home / ".config/uv/uv.toml",
        "NPM_CONFIG_USERCONFIG": home / ".npmrc",
    }
    return {name: str(path) for name, path in files.items() if path.exists() and name not in os.environ}


class Finished(NamedTuple):
    """A command that has ended: wall time and its own CPU, both in ms, its largest resident size in MB."""

    wall: float
    cpu: float
    memory: float
    output: str


@contextmanager
def project(commands: Mapping[str, str], manifest: str = "") -> Iterator[Path]:
    """A folder with a Procfile; whatever still runs there afterwards is ended."""
    folder = Path(tempfile.mkdtemp(prefix="bench-"))
    try:
        if commands:
            lines = "".join(f"{name}: {command}\n" for name, command in commands.items())
            (folder / "Procfile").write_text(lines)
        (folder / "devboot.toml").write_text(f'[project]\nname = "bench"\n{manifest}')
        yield folder
    finally:
        processes.end_leftovers()
        shutil.rmtree(folder, ignore_errors=True)


def run(argv: Sequence[str], folder: Path, env: Mapping[str, str] | None = None, *, read: bool = False) -> Finished:
    """Run one command to its end. Raises UnmeasurableError when it fails."""
    with tempfile.TemporaryFile() as words:
        started = time.monotonic()
        child = subprocess.Popen(
            argv,
            cwd=folder,
            env=dict(env or environment()),
            stdin=subprocess.DEVNULL,
            stdout=words if read else subprocess.DEVNULL,
            stderr=words,
        )
        _, status, usage = os.wait4(child.pid, 0)
        wall = time.monotonic() - started
        child.returncode = os.waitstatus_to_exitcode(status)
        words.seek(0)
        output = words.read().decode(errors="replace")
    if child.returncode != 0:
        last = (output.strip().splitlines() or ["no output"])[-1]
        raise UnmeasurableError(f"`{' '.join(argv[:4])}` exited {child.returncode}: {last}")
    return Finished(wall * 1000, (usage.ru_utime + usage.ru_stime) * 1000, usage.ru_maxrss / 1024, output)


class Running:
    """A runner in the foreground of a session of its own; `began` is the monotonic time just before it started."""

    def __init__(
        self, argv: Sequence[str], folder: Path, *, env: Mapping[str, str] | None = None, terminal: bool = False
    ) -> None:
        self._terminal = -1
        stdout: int = subprocess.PIPE
        stdin: int = subprocess.DEVNULL
        if terminal:
            self._terminal, stdin = os.openpty()
            stdout = stdin
        with tempfile.TemporaryFile() as words:
            self.began = time.monotonic()
            self._child = subprocess.Popen(
                argv,
                cwd=folder,
                env=dict(env or environment()),
                stdin=stdin,
                stdout=stdout,
                stderr=words,
                start_new_session=True,
                pipesize=1024 * 1024,
            )
        if terminal:
            os.close(stdin)

    @property
    def pid(self) -> int:
        """Of the runner itself."""
        return self._child.pid

    @property
    def output(self) -> IO[bytes]:
        """What it shows."""
        assert self._child.stdout is not None
        return self._child.stdout

    def interrupt(self) -> float:
        """Ctrl-C, which a terminal sends to the whole foreground group; ms until the runner has gone."""
        started = time.monotonic()
        os.killpg(self.pid, signal.SIGINT)
        try:
            self._child.wait(PATIENCE / 4)
        except subprocess.TimeoutExpired as error:
            raise UnmeasurableError("goes on after ctrl-c") from error
        finally:
            self.close()
        return (time.monotonic() - started) * 1000

    def kill(self) -> None:
        """End it at once."""
        self._child.kill()
        self._child.wait()
        self.close()

    def close(self) -> None:
        """Let go of its output."""
        if self._child.stdout is not None:
            self._child.stdout.close()
        if self._terminal >= 0:
            os.close(self._terminal)
            self._terminal = -1
