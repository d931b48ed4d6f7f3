"""Many real commands in little time: each is a fork of a process that has imported devboot already.

`python -P -m tests.fakes.forked_commands` reads one command as a line of JSON after the other from its stdin, and
answers each with a line of JSON: `{"words": ["sync"], "folder": "/a/clone", "limit": 20}` with
`{"code": 0, "out": "", "err": "", "opened": ["requirements.txt"], "written": ["devboot.lock"]}`. `code` is null for a
command that took longer than `limit` seconds; `opened` and `written` are the paths below the folder that Python has
opened, or made, changed, renamed and removed, or tried to.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

REPOSITORY = Path(__file__).parents[2]
_FILES = ("out", "err", "opened", "written")
# Which arguments of Python's audit events are paths.
_PATHS = {
    "open": (0,),
    "sqlite3.connect": (0,),
    **{f"os.{name}": (0,) for name in ("mkdir", "rmdir", "remove", "chmod")},
    **{f"os.{name}": (0, 1) for name in ("rename", "link", "symlink")},
    "shutil.rmtree": (0,),
}


class Ended(NamedTuple):
    """How a command ended."""

    code: int | None
    out: str
    err: str
    opened: list[str]
    written: list[str]


class ForkedCommands:
    """The process that forks them, seen from a test."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        path = f"import sys; sys.path.insert(0, {str(REPOSITORY)!r})"
        start = f"{path}; from tests.fakes.forked_commands import serve; serve()"
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-c", start],
            env=dict(environ),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, folder: Path, *words: str, limit: float = 60.0) -> Ended:
        """Run `devboot WORDS` in a folder."""
        request = {"words": words, "folder": str(folder), "limit": limit}
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        return Ended(**json.loads(self._process.stdout.readline()))

    def close(self) -> None:
        """End the process."""
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()


def serve() -> None:
    """Answer requests until stdin ends."""
    from tests.fakes.warm_commands import import_devboot

    import_devboot()
    gc.freeze()  # else each command copies all that was imported, as it looks for garbage
    for line in sys.stdin:
        request = json.loads(line)
        with tempfile.TemporaryDirectory() as place:
            code = _fork(place, request["words"], request["folder"], request["limit"])
            files = {name: Path(place, name).read_text(errors="replace") for name in _FILES}
        paths = (sorted(set(files[name].splitlines())) for name in ("opened", "written"))
        answer = Ended(code, files["out"], files["err"], *paths)
        print(json.dumps(answer._asdict()), flush=True)


def _fork(place: str, words: list[str], folder: str, limit: float) -> int | None:
    for name in _FILES:
        Path(place, name).touch()
    pid = os.fork()
    if not pid:
        _become(place, words, folder)
    deadline = time.monotonic() + limit
    while time.monotonic() < deadline:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.01)
    os.killpg(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return None


def _become(place: str, words: list[str], folder: str) -> NoReturn:
    """Run the command in this process and end it."""
    code = 99
    try:
        os.setsid()
        os.chdir(folder)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        for number, name in ((1, "out"), (2, "err")):
            os.dup2(os.open(f"{place}/{name}", os.O_WRONLY), number)
        opened, written = (os.open(f"{place}/{name}", os.O_WRONLY) for name in ("opened", "written"))

        def note(event: str, arguments: tuple[Any, ...]) -> None:
            is_below_descriptor = event.startswith("os.") and arguments[-1] != -1
            for number in () if is_below_descriptor else _PATHS.get(event, ()):
                if not isinstance(arguments[number], str):
                    continue
                path = os.path.abspath(arguments[number].removeprefix("file:").partition("?")[0])
                is_read = event == "open" and not arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
                if path.startswith(folder + "/"):
                    os.write(opened if is_read else written, os.fsencode(os.path.relpath(path, folder)) + b"\n")

        sys.addaudithook(note)
        sys.argv = ["devboot", *words]
        from devboot.__main__ import main

        code = main()
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(code)
