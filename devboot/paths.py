"""Computes the directories that devboot uses; the only reader of platform directories.

XDG directories on Linux and macOS alike: the macOS ones contain a blank (`Application Support`), which breaks shebangs
and the scripts of Erlang and MariaDB. DEVBOOT_HOME replaces all of them. Only the runtime directory is created here,
because a socket is only safe in a directory that was checked after it was made.

The fast path reads the same variables, so platformdirs (25 ms to import) is the oracle in the tests instead.
"""

from __future__ import annotations

import os
import stat
from errno import EPERM

from devboot.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

# sun_path holds 104 bytes on macOS and 108 on Linux, the terminating NUL included
SOCKET_PATH_LIMIT = 100
_BAD = {
    "\n": "its path has a line break, which no script's first line can hold",
    os.pathsep: f"its path has a `{os.pathsep}`, which separates directories in PATH",
}
EARLIER_STATE = ".devboot"  # state folder of earlier versions in a clone; skipped in searches of a clone
STATE_VARIABLE = "DEVBOOT_STATE"  # passes the project's state folder to its commands, for generated files
_XDG = {
    "data": ("XDG_DATA_HOME", ".local/share"),
    "cache": ("XDG_CACHE_HOME", ".cache"),
    "state": ("XDG_STATE_HOME", ".local/state"),
    "config": ("XDG_CONFIG_HOME", ".config"),
}
_SOCKET_NAME_LENGTH = len("/0123456789abcdef.sock")


class Paths(Record):
    """Absolute paths of devboot's directories.

    `data` has the store, `cache` downloads, `state` records, `runtime` sockets.
    """

    data: str
    cache: str
    state: str
    runtime: str

    @classmethod
    def from_environ(cls, environ: Mapping[str, str], uid: int | None = None) -> Paths:
        """Compute the directories from the environment; only `runtime` is created.

        Raises MachineError `machine/no-home` and `machine/unsafe-runtime-dir`.
        """
        uid = os.getuid() if uid is None else uid
        data, cache, state = user_directories(environ, lambda: passwd_home(uid))
        return cls(data, cache, state, runtime_directory(environ, uid))


def user_directories(environ: Mapping[str, str], passwd_home: Callable[[], str | None]) -> tuple[str, str, str]:
    """Return the directories for data, cache and state; `passwd_home` is called if HOME can't be used.

    Raises MachineError `machine/no-home`.
    """
    own = environ.get("DEVBOOT_HOME", "")
    if own:
        _refuse_relative(own)
        return os.path.join(own, "data"), os.path.join(own, "cache"), os.path.join(own, "state")
    data, cache, state = (
        os.path.join(xdg_base(kind, environ, lambda: _home(environ, passwd_home)), "devboot")
        for kind in ("data", "cache", "state")
    )
    return data, cache, state


def xdg_base(kind: str, environ: Mapping[str, str], home: Callable[[], str]) -> str:
    """Return the XDG base directory for `data`, `cache`, `state` or `config`; "" if HOME is needed and unusable."""
    variable, below_home = _XDG[kind]
    base = environ.get(variable, "")
    if os.path.isabs(base):  # the XDG specification: relative ones are to be ignored
        return base
    start = home()
    return start and os.path.join(start, below_home)


def runtime_directory(environ: Mapping[str, str], uid: int) -> str:
    """Return the directory for sockets: this user's alone, created with mode 0700, with a short path.

    It depends on the user, not on TMPDIR, so that two shells use the same one. A candidate that belongs to someone
    else, is a symbolic link or is open to others is never used. Raises MachineError `machine/unsafe-runtime-dir`.
    """
    refused = []
    for candidate in _runtime_candidates(environ, uid):
        if len(os.fsencode(candidate)) + _SOCKET_NAME_LENGTH >= SOCKET_PATH_LIMIT:
            refused.append(f"`{candidate}` is too long for a socket's path")
            continue
        complaint = _make_private(candidate, uid)
        if complaint is None:
            return candidate
        refused.append(f"`{candidate}` {complaint}")
    from devboot.errors import MachineError

    raise MachineError(
        "machine/unsafe-runtime-dir",
        "no directory for sockets is safe to use",
        causes=refused,
        help=["export DEVBOOT_HOME=/a/short/path/of/yours"],
    )


class SocketFolderError(OSError):
    """Raised for a folder for a server's socket that can't be created, or isn't private; `filename` is its path."""


def make_socket_folders(folders: Sequence[str], owner: Sequence[int] = ()) -> None:
    """Create the folders for a server's socket, outer first; the last one private to `owner` (uid and gid).

    They may have been removed since the server's last start: temporary folders are cleaned by age. Raises
    SocketFolderError if one can't be created, belongs to another user, or is open to others.
    """
    uid = os.getuid()
    for place, folder in enumerate(folders, 1):
        own = owner[0] if owner and place == len(folders) else uid
        try:
            os.makedirs(os.path.dirname(folder), mode=0o700, exist_ok=True)
            os.mkdir(folder, 0o700)
            if own != uid:
                os.chown(folder, *owner)
        except FileExistsError:
            pass
        except OSError as error:
            raise SocketFolderError(
                EPERM, f"the folder of its socket, `{folder}`, can't be created: {error.strerror}", folder
            ) from error
        complaint = complaint_about(folder, own, 0o077 if place == len(folders) else 0o022)
        if complaint is not None:
            raise SocketFolderError(EPERM, f"the folder of its socket, `{folder}`, {complaint}", folder)


def private_runtimes(environ: Mapping[str, str], uid: int) -> Iterator[str]:
    """Yield the existing directories for sockets that are private to this user; creates none."""
    return (each for each in _runtime_candidates(environ, uid) if complaint_about(each, uid) is None)


def refuse_unsafe_runtime(environ: Mapping[str, str], uid: int) -> None:
    """Raise MachineError `machine/unsafe-runtime-dir` if no directory for sockets can be used; none is created."""
    if all(map(os.path.lexists, _runtime_candidates(environ, uid))) and not any(private_runtimes(environ, uid)):
        runtime_directory(environ, uid)


def refuse_bad_root(root: str) -> None:
    """Raise MachineError `machine/bad-path` for a project directory from which programs can't be started.

    Blanks, quotes, `$` and letters of any script are allowed.
    """
    for character, why in _BAD.items():
        if character in root:
            from devboot.errors import MachineError

            raise MachineError(
                "machine/bad-path",
                f"the project can't be in `{ascii(root)[1:-1]}`",
                causes=[why],
                help=["move it to a directory without that character"],
            )


def shown_from(path: str, folder: str) -> str:
    """Return `path` for messages in `folder`: relative if it is below the folder, else unchanged."""
    below = folder.rstrip("/") + "/"
    return path.removeprefix(below)


def upwards(folder: str) -> Iterator[str]:
    """Yield a folder, then each folder above it."""
    while True:
        yield folder
        above = os.path.dirname(folder)
        if above == folder:
            return
        folder = above


def upwards_to(root: str, folder: str) -> Iterator[str]:
    """Yield a folder and those above it up to and including `root`."""
    root = os.path.normpath(root)
    for place in upwards(os.path.normpath(folder)):
        if not place.startswith(root.rstrip("/") + "/"):
            break
        yield place
    yield root


def socket_path(runtime: str, root: str) -> str:
    """Return the socket path of the daemon for the project at `root`: always shorter than SOCKET_PATH_LIMIT."""
    return f"{runtime}/{project_key(root)}.sock"


def project_key(root: str) -> str:
    """Return sixteen hexadecimal digits that identify a project's root directory."""
    from _blake2 import blake2b  # hashlib loads OpenSSL for this: 3 ms on every command

    return blake2b(os.fsencode(root), digest_size=8).hexdigest()


def _runtime_candidates(environ: Mapping[str, str], uid: int) -> Iterator[str]:
    own = environ.get("DEVBOOT_HOME", "")
    if os.path.isabs(own):
        yield os.path.join(own, "run")
    for base in (f"/run/user/{uid}", environ.get("XDG_RUNTIME_DIR", "")):
        if os.path.isabs(base) and complaint_about(base, uid) is None:
            yield os.path.join(base, "devboot")
    # /tmp by name: TMPDIR differs between a terminal, a cron job and an ssh session
    yield f"/tmp/devboot-{uid}"  # noqa: S108  made with mode 0700 and checked below
    state = xdg_base("state", environ, lambda: environ.get("HOME", ""))
    if os.path.isabs(state):
        yield os.path.join(state, "devboot/run")


def _make_private(path: str, uid: int) -> str | None:
    try:
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        os.mkdir(path, 0o700)
    except FileExistsError:
        pass
    except OSError as error:
        return f"can't be created: {(error.strerror or '').lower()}"
    return complaint_about(path, uid) or _complaint_about_parent(path)


def complaint_about(path: str, uid: int, closed: int = 0o077) -> str | None:
    """Return why `path` isn't a directory of `uid` without the permission bits `closed`; None if it is."""
    try:
        found = os.lstat(path)  # lstat: a link could be turned to another place after the check
    except OSError:
        return "isn't there"
    if not stat.S_ISDIR(found.st_mode):
        return "is a symbolic link" if stat.S_ISLNK(found.st_mode) else "isn't a directory"
    if found.st_uid != uid:
        return f"belongs to user {found.st_uid}"
    if found.st_mode & closed:
        return f"is open to others (mode {stat.S_IMODE(found.st_mode):04o})"
    return None


def _complaint_about_parent(path: str) -> str | None:
    parent = os.stat(os.path.dirname(path))
    if parent.st_mode & stat.S_IWOTH and not parent.st_mode & stat.S_ISVTX:
        return "is in a directory in which everybody can rename files"
    return None


def _home(environ: Mapping[str, str], passwd_home: Callable[[], str | None]) -> str:
    for home in (environ.get("HOME"), passwd_home()):
        if home and _is_usable_home(home):
            return home
    from devboot.errors import MachineError

    said = environ.get("HOME")
    cause = "`HOME` isn't set" if said is None else f"`HOME` is `{said}`, which isn't a writable directory"
    raise MachineError(
        "machine/no-home",
        "there is no home directory to keep the store in",
        causes=[cause, "the password database has no other"],
        help=["export DEVBOOT_HOME=/a/path/of/yours"],
    )


def _is_usable_home(home: str) -> bool:
    # "/" is what containers give to users without an entry: nothing may be written there
    if not os.path.isabs(home) or os.path.realpath(home) == "/" or not os.path.isdir(home):
        return False
    provisioned = os.path.join(home, ".local/share/devboot")
    return os.access(home, os.W_OK | os.X_OK) or os.path.isdir(provisioned)


def passwd_home(uid: int) -> str | None:
    """Return the home directory in the password database; None for a user that has no entry."""
    import pwd

    try:
        return pwd.getpwuid(uid).pw_dir
    except KeyError:
        return None


def _refuse_relative(own: str) -> None:
    if os.path.isabs(own):
        return
    from devboot.errors import MachineError

    raise MachineError(
        "machine/no-home",
        "`DEVBOOT_HOME` isn't an absolute path",
        causes=[f"it is `{own}`, which is relative to the current directory"],
        help=[f'export DEVBOOT_HOME="$PWD/{own}"'],
    )
