"""Computes the state and data folders of a project from its path; finds the project of the current folder.

Every command imports this module, so it imports almost nothing: `devboot.paths` only if HOME doesn't suffice.
"""

from __future__ import annotations

import os

from devboot.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MANIFEST, DETECTED, BELOW = "devboot.toml", "detected.toml", "below"
RECORD = "project.json"  # file in both folders with their owner; see `state.records`
RUN = "run"  # folder in the state folder for files of the running daemon
LEASE = "daemon"  # file in the data folder that identifies the daemon using it
_FOLDER = "projects"
_USUAL_DATA, _USUAL_STATE = ".local/share/devboot", ".local/state/devboot"
_LONGEST_NAME = 40
_BELOW_LIMIT = 4096


class Projects(Record):
    """The folders `state` and `data` of a user, which each contain one folder per project, with the same name."""

    state: str
    data: str

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> Projects:
        """Return this user's folders of projects, by environment; nothing is created.

        Raises MachineError `machine/no-home`.
        """
        home = environ.get("HOME", "")
        is_usual = not (environ.get("DEVBOOT_HOME") or environ.get("XDG_DATA_HOME") or environ.get("XDG_STATE_HOME"))
        # If the home already contains state of devboot, it needs no further check.
        if is_usual and home[:1] == "/" and is_there(f"{home}/{_USUAL_STATE}/{_FOLDER}"):
            return cls.below(f"{home}/{_USUAL_DATA}", f"{home}/{_USUAL_STATE}")
        from devboot.paths import passwd_home, user_directories

        data, _, state = user_directories(environ, lambda: passwd_home(os.getuid()))
        return cls.below(data, state)

    @classmethod
    def below(cls, data: str, state: str) -> Projects:
        """Return the folders of projects below a user's data and state directories."""
        return cls(f"{state}/{_FOLDER}", f"{data}/{_FOLDER}")

    def state_of(self, root: str) -> str:
        """Return the state folder of the project at `root`, a real path."""
        return f"{self.state}/{folder_name(root)}"

    def data_of(self, root: str) -> str:
        """Return the data folder of the project at `root`, a real path."""
        return f"{self.data}/{folder_name(root)}"

    def find_root(self, start: str) -> str:
        """Return the root of the project of folder `start`: the nearest folder upwards with a manifest; "" for none.

        An application that was detected below one of these folders counts, too.
        """
        return next((root for folder in upwards(start) if (root := self.root_at(folder))), "")

    def root_at(self, folder: str) -> str:
        """Return the root of a project whose manifest is in `folder`, or was detected from it; "" for none."""
        if is_there(f"{folder}/{MANIFEST}"):  # a dangling link counts, to be reported
            return folder
        state = self.state_of(folder)
        if is_there(f"{state}/{DETECTED}"):
            return folder
        below = read_below(state, folder)
        if not below or not is_there(below):
            return ""
        return below if is_there(f"{below}/{MANIFEST}") or is_there(f"{self.state_of(below)}/{DETECTED}") else ""

    def seen_from(self, root: str) -> str:
        """Return the folder from which the application in `root` was detected: `root`, or a folder above."""
        above = (folder for folder in upwards(root) if folder != root)
        return next((folder for folder in above if read_below(self.state_of(folder), folder) == root), root)


def folder_name(root: str) -> str:
    """Return the name of the state and data folders of the project at `root`, as `shop-0123456789abcdef`."""
    name = root[root.rfind("/") + 1 :][:_LONGEST_NAME]
    if not name.isascii() or not name.replace("-", "").replace("_", "").isalnum():
        name = "".join(each if (each.isascii() and each.isalnum()) or each in "-_" else "_" for each in name)
    from _blake2 import blake2b  # hashlib would load OpenSSL

    return f"{name}-{blake2b(os.fsencode(root), digest_size=8).hexdigest()}"


def upwards(start: str) -> Iterator[str]:
    """Yield the real path of `start` ("" for the current folder), then each folder above it."""
    folder = os.path.realpath(start) if start else os.getcwd()
    while True:
        yield folder
        above = os.path.dirname(folder)
        if above == folder:
            return
        folder = above


def read_below(state: str, folder: str) -> str:
    """Return the root of the application that was detected from `folder`, by its state folder; "" for none."""
    try:
        descriptor = os.open(f"{state}/{BELOW}", os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return ""
    try:
        return os.path.normpath(os.path.join(folder, os.fsdecode(os.read(descriptor, _BELOW_LIMIT)).strip()))
    except OSError:
        return ""
    finally:
        os.close(descriptor)


def is_there(path: str) -> bool:
    """Return whether `path` exists; a dangling link does."""
    try:
        os.lstat(path)
    except OSError:
        return False
    return True
