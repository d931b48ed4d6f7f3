"""Moves a foreground run to other ports, if other programs took its ports, by a second `up -d`."""

from __future__ import annotations

import json
import subprocess
import tempfile

from devboot.app.fast.self_invoke import command_line
from devboot.app.screen.edits import repeated_flags

TYPE_CHECKING = False
if TYPE_CHECKING:
    from devboot.app.fast.call import Call

_CHUNK = 64 * 1024
_SWITCHES = ("no-deps", "locked", "frozen", "offline")
_LISTS = ("port", "except")
_REACHED = ("up", "failed")  # last events of an `up` that reached the daemon, whose output shows the rest


class OtherPorts:
    """A child process `up -d` that prepares the project again and sends the new plan to the daemon.

    `fileno` is readable when there is something to `read`; at the end `complaint` is why there is no new plan.
    """

    def __init__(self, call: Call) -> None:
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115  closed by `close`
        self._child = subprocess.Popen(
            command_line("-C", call.root, "--quiet", "up", "--detach", "--json", *_repeated_words(call)),
            env=dict(call.environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            start_new_session=True,  # ctrl-c isn't for it
        )
        assert self._child.stdout is not None
        self._answers = self._child.stdout
        self._last = b""

    def fileno(self) -> int:
        """Return the descriptor of the child's output, for `select`."""
        return self._answers.fileno()

    def read(self) -> bool:
        """Read the child's available output; return False at its end."""
        data = self._answers.read1(_CHUNK)  # type: ignore[attr-defined]
        self._last = (self._last + data)[-_CHUNK:]
        return bool(data)

    def complaint(self) -> str:
        """Return the error for which the child made no plan with other ports; "" if it made one."""
        self._child.wait()
        try:
            event = json.loads(self._last.rstrip().rpartition(b"\n")[2])["event"]
        except (ValueError, LookupError, TypeError):
            event = ""
        if event in _REACHED:
            return ""
        self._errors.seek(0)
        return self._errors.read(_CHUNK).decode("utf-8", "replace")

    def close(self) -> None:
        """Kill the child process that chooses other ports, and wait for its end."""
        self._child.kill()
        self._child.wait()
        self._answers.close()
        self._errors.close()


def _repeated_words(call: Call) -> list[str]:
    """Return the names and flags of the foreground `up`, to repeat them in another `up`."""
    words = [f"--{name}" for name in _SWITCHES if call.flag(name)]
    if call.values.get("from") and "--offline" not in words:
        words.append("--offline")  # the kit's content is installed by now
    for name in _LISTS:
        given = call.values.get(name) or ()
        words += [
            word
            for each in (given if isinstance(given, (list, tuple)) else (given,))
            for word in (f"--{name}", str(each))
        ]
    return [*words, *repeated_flags(call.values), "--", *call.args]
