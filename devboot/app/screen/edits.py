"""Shows in the bottom line the effect of applying edited files; one `stat` of each file per second.

A child process reads the manifest to find that out: this process stays small.
"""

from __future__ import annotations

import os

from devboot import snapshot
from devboot.app.fast.self_invoke import command_line
from devboot.text.columns import printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    import subprocess
    from collections.abc import Mapping, Sequence
    from typing import Any

    from devboot.app.fast.call import Call

LOOK = 1.0  # seconds between checks of the project's files
ASKING = 0.1  # seconds between checks for the answer
_ADJUSTING = (("formation", "-m"), ("env-file", "-e"), ("procfile", "-f"), ("base-port", "-p"), ("port-step", "-P"))
_NAMED = 3  # most names in a notice; of more only the number
_CHUNK = 64 * 1024

_Stamp = tuple[str, int, int]


def repeated_flags(values: Mapping[str, object]) -> list[str]:
    """Return the flags of an `up` that change the project, to repeat them in another `up`."""
    words: list[str] = []
    for key, flag in _ADJUSTING:
        given = values.get(key) or ()
        words += [
            word for each in (given if isinstance(given, (list, tuple)) else (given,)) for word in (flag, str(each))
        ]
    return words


class Edits:
    """Notices files edited since the snapshot, and finds out what applying the edits would do.

    `key` is the key that applies them.
    """

    def __init__(self, call: Call, key: str = "u") -> None:
        self._call = call
        self._key = key
        self._path = f"{call.state}/{snapshot.NAME}"
        self._seen: _Stamp | None = None
        self._known: snapshot.Snapshot | None = None
        self._looked = 0.0
        self._asked: tuple[_Stamp, ...] = ()  # the changed files, as they were when it was last asked
        self._child: subprocess.Popen[bytes] | None = None
        self._written = b""
        self._notice = ""

    @property
    def is_asking(self) -> bool:
        """Return whether a child process is determining the effect of the last edit."""
        return self._child is not None

    @property
    def patience(self) -> float:
        """Return the seconds until `look` should be called again."""
        return LOOK if self._child is None else ASKING

    def look(self, now: float) -> str:
        """Check the files; return the notice for the bottom line, "" if nothing was edited."""
        if now - self._looked >= LOOK:
            self._looked = now
            self._look_at_files()
        if self._child is not None:
            self._read(self._child)
        return self._notice

    def close(self) -> None:
        """Stop checking, and end a running child process."""
        if self._child is not None:
            self._child.kill()
            self._child.communicate()
            self._child = None

    def _look_at_files(self) -> None:
        seen = snapshot.stamp(self._path)
        if seen != self._seen:  # rewritten: the edits have been read
            self._seen, self._known = seen, snapshot.read(self._path, has_plan=False)
        stale = snapshot.changed(self._known) if self._known is not None else ()
        changed = tuple(snapshot.stamped_again(each) for each in stale)
        if not changed:
            self._asked, self._notice = (), ""
        elif changed != self._asked and self._child is None:
            file = self._file(changed)
            # A folder with other names in it mostly means nothing: programs write files while they run.
            if file != self._file(self._asked) and not os.path.isdir(f"{self._call.root}/{file}"):
                self._notice = f"{file} changed: {self._key} applies"
            self._asked = changed
            self._ask()

    def _file(self, stamps: Sequence[_Stamp]) -> str:
        paths = [os.path.dirname(path.rstrip("/")) if kind == snapshot.MATCHED else path for path, kind, _ in stamps]
        first = next((path for path in paths if not os.path.isdir(path)), paths[0] if paths else "")
        return printable(first.removeprefix(f"{self._call.root}/"))

    def _ask(self) -> None:
        import subprocess

        flags = repeated_flags(self._call.values)
        self._written = b""
        self._child = subprocess.Popen(
            command_line("-C", self._call.root, "up", "--dry-run", "--json", *flags),
            env={**self._call.environ, "PYTHONDONTWRITEBYTECODE": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # ctrl-c isn't for it
        )
        assert self._child.stdout is not None
        os.set_blocking(self._child.stdout.fileno(), False)

    def _read(self, child: subprocess.Popen[bytes]) -> None:
        assert child.stdout is not None
        try:
            while data := os.read(child.stdout.fileno(), _CHUNK):
                self._written += data
        except BlockingIOError:
            return
        child.communicate()
        self._child = None
        if self._asked:
            self._notice = notice_of(self._file(self._asked), self._written.decode("utf-8", "replace"), self._key)


def notice_of(file: str, answer: str, key: str = "u") -> str:
    """Return the notice for an edited file: what `key` would do, or the first line of an error.

    `answer` is the output of `up --dry-run --json`.
    """
    import json

    error = next((line for line in answer.split("\n") if line.startswith("error[")), "")
    if error:
        return printable(error)
    try:
        running = json.loads(answer)["running"]
    except (ValueError, KeyError, TypeError):
        return f"{file} changed: {key} applies"
    if running is None or running["same"]:
        return ""  # it means the same as before
    return f"{file} changed: {key} {_effects(running)}"


def _effects(running: Mapping[str, Any]) -> str:
    verbs = (("tasks", "runs"), ("restarted", "restarts"), ("started", "starts"), ("stopped", "stops"))
    parts = ["installs packages"] if running["installs"] else []
    parts += [f"{verb} {_names(running[key])}" for key, verb in verbs if running[key]]
    said = ", ".join(parts) or "applies it, no process restarts"
    return f"{said}; {_names(running['kept'])} keeps running as it is" if running["kept"] else said


def _names(names: Sequence[str]) -> str:
    shown = ", ".join(printable(str(name)) for name in names[:_NAMED])
    return shown if len(names) <= _NAMED else f"{shown} and {len(names) - _NAMED} more"
