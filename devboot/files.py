"""Atomic writes, errors of the file system in plain words, and fail-points for tests.

The fast commands and the daemon import this: only modules that cost nothing beside a bare interpreter.
"""

from __future__ import annotations

import errno
import os
import stat
import time

from devboot.errors import MachineError, reason_of, shell_word

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_OF_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS)
_TRIAL = 64 * 1024  # bytes: more than SQLite writes for a pragma, with its shared-memory file
_NO_SWAP = (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP)  # no such call: an old kernel, or some network filesystems
OLD = ".old"
_IN_THE_WAY = {errno.EISDIR, errno.ENOTDIR, errno.ELOOP, errno.ENOTEMPTY, errno.EEXIST, errno.ENXIO}
_LONGEST_PID = 10  # digits
_OF_PROJECT = {".venv", "devboot.lock"}
WRITABLE = "/a/path/that/can/be/written"


# Fail-points


def fail_point(name: str) -> None:
    """In tests, die, fail or sleep here if DEVBOOT_FAIL_POINT is `name=ACTION` (and DEVBOOT_TEST is 1).

    ACTION is `kill` (SIGKILL to itself), `enospc`, `eio`, `erofs` (an OSError) or `sleep` (half a minute). `@PATH`
    names a file with this text, read each time, for a daemon that is to fail later. Tests read the names of all
    fail-points from the source, so that a new one is covered at once.
    """
    if os.environ.get("DEVBOOT_TEST") != "1":
        return
    said = os.environ.get("DEVBOOT_FAIL_POINT", "")
    wanted, _, action = (_read_fail_point(said[1:]) if said[:1] == "@" else said).partition("=")
    if wanted == name:
        _fail(name, action)


def _read_fail_point(path: str) -> str:
    try:
        with open(path, encoding="ascii") as file:
            return file.read()
    except OSError:
        return ""


def _fail(name: str, action: str) -> None:
    if action == "kill":
        os.kill(os.getpid(), 9)
    elif action == "sleep":
        time.sleep(30)
    elif action in ("enospc", "eio", "erofs"):
        number = getattr(errno, action.upper())
        raise OSError(number, os.strerror(number), name)


# Errors of the machine


def machine_error(error: OSError, path: str, doing: str = "write") -> MachineError:
    """Convert an OSError about `path` to an error for the user: disk full, out of inodes, read-only, not permitted."""
    where = _nearest_existing(path)
    cause = f"{reason_of(error)}: `{error.filename or path}`"
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return _full(where, path, cause)
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return _not_writable(where, path, cause, doing, read_only=error.errno == errno.EROFS)
    if error.errno in _IN_THE_WAY or (error.errno == errno.ENOENT and _leads_nowhere(_nearest_name(path))):
        return _in_the_way(path, cause)
    if error.errno == errno.EFBIG:
        what = f"can't {doing} `{path}`, which is too large"
        return MachineError("machine/too-large", what, causes=[cause], help=[f"ls -lH {shell_word(path)}"])
    return MachineError("machine/io", f"can't {doing} `{path}`", causes=[cause], help=["dmesg | tail"])


def refuse_read_only(path: str) -> None:
    """Raise MachineError `machine/not-writable` if `path`, or the folder where it would be created, can't be written.

    Nothing is written.
    """
    where = _nearest_existing(path)
    if not os.access(where, os.W_OK | (os.X_OK if os.path.isdir(where) else 0)):
        number = errno.EROFS if is_read_only(where) else errno.EACCES
        raise machine_error(OSError(number, os.strerror(number), where), path)


def refuse_noexec(directory: str) -> None:
    """Raise MachineError `machine/noexec` if programs can't be executed in an existing folder."""
    if os.path.isdir(directory) and os.statvfs(directory).f_flag & getattr(os, "ST_NOEXEC", 0):
        raise MachineError(
            "machine/noexec",
            f"programs can't be run from `{directory}`",
            causes=["its filesystem is mounted with `noexec`"],
            help=["export DEVBOOT_HOME=/a/path/where/programs/run"],
        )


def error_of_disk(folder: str) -> OSError | None:
    """Return the OSError with which a write below `folder` fails, tried with a nameless file; None if it succeeds."""
    try:
        descriptor = os.open(folder, getattr(os, "O_TMPFILE", os.O_DIRECTORY) | os.O_RDWR | os.O_CLOEXEC, 0o600)
    except OSError as error:
        return error if error.errno in _OF_DISK else None
    try:
        os.write(descriptor, bytes(_TRIAL))
    except OSError as error:
        return error if error.errno in _OF_DISK else None
    finally:
        os.close(descriptor)
    return None


def is_read_only(path: str) -> bool:
    """Return whether an existing path is on a filesystem that is mounted read-only."""
    return bool(os.statvfs(path).f_flag & os.ST_RDONLY)


def _full(where: str, path: str, cause: str) -> MachineError:
    room = os.statvfs(where)
    if room.f_files and not room.f_favail:
        return MachineError(
            "machine/no-inodes",
            f"no inodes are left where `{path}` belongs",
            causes=[cause],
            help=[f"df -i {shell_word(where)}", elsewhere(path, "/a/path/on/another/filesystem")],
        )
    free = room.f_bavail * room.f_frsize
    return MachineError(
        "machine/disk-full",
        f"the disk is full where `{path}` belongs",
        causes=[cause, f"{free // 1_000_000} MB are free on the filesystem of `{where}`"],
        help=[f"df -h {shell_word(where)}", elsewhere(path, "/a/path/on/another/filesystem")],
    )


def elsewhere(path: str, place: str) -> str:
    """Return the command that continues at `place`: set DEVBOOT_HOME for devboot's own folders, or copy the project."""
    root = _project_of(path)
    return f"cp -R {shell_word(root)} {place}   # and work there" if root else f"export DEVBOOT_HOME={place}"


def _project_of(path: str) -> str:
    """Return the root of the project to which `path` belongs by its name; "" for a path outside of projects."""
    parts = os.path.abspath(path).split("/")
    first = next((number for number, part in enumerate(parts) if part in _OF_PROJECT), 0)
    return "/".join(parts[:first]) or ("/" if first else "")


def _not_writable(where: str, path: str, cause: str, doing: str, *, read_only: bool) -> MachineError:
    found = os.stat(where)
    owner = f"`{where}` belongs to user {found.st_uid} (mode {stat.S_IMODE(found.st_mode):04o})"
    if read_only:
        fix = elsewhere(path, WRITABLE)
    elif found.st_uid != os.getuid():
        fix = f"sudo chown -R {os.getuid()} {shell_word(where)}"
    else:
        fix = f"chmod u+rwX {shell_word(where)}"
    return MachineError("machine/not-writable", f"can't {doing} `{path}`", causes=[cause, owner], help=[fix])


def _in_the_way(path: str, cause: str) -> MachineError:
    """Return the error for the wrong kind of file at `path`, such as a directory or a dangling link."""
    there = _nearest_name(path)
    link = [f"`{there}` is a link to `{os.readlink(there)}`, which isn't there"] if _leads_nowhere(there) else []
    return MachineError(
        "machine/in-the-way",
        f"something else is where `{path}` belongs",
        causes=[cause, *link],
        help=[f"mv {shell_word(there)} {shell_word(there + '.aside')}"],
    )


def _nearest_name(path: str) -> str:
    path = os.path.abspath(path)
    while not os.path.lexists(path):
        path = os.path.dirname(path)
    return path


def _leads_nowhere(path: str) -> bool:
    return os.path.islink(path) and not os.path.exists(path)


def _nearest_existing(path: str) -> str:
    path = os.path.abspath(path)
    while not os.path.exists(path):
        path = os.path.dirname(path)
    return path


# Plain files


def plain(path: str, flags: int) -> int:
    """Open a file that devboot has written, for `open(…, opener=plain)`; never blocks on a named pipe.

    Raises OSError: ENXIO for pipes and devices, as the kernel does for sockets.
    """
    descriptor = os.open(path, flags | os.O_NONBLOCK | os.O_CLOEXEC, 0o600)
    kind = os.fstat(descriptor).st_mode
    if not (stat.S_ISREG(kind) or stat.S_ISDIR(kind)):  # `open` refuses a directory by itself
        os.close(descriptor)
        raise OSError(errno.ENXIO, "not a plain file", path)
    return descriptor


# Atomic writes


def list_names(folder: str) -> list[str]:
    """Return the sorted names in a folder; none if it is missing or can't be read."""
    try:
        return sorted(os.listdir(folder))
    except OSError:
        return []


def make_directories(path: str) -> None:
    """Create a directory and its missing parents, with mode 0700 whatever the umask is. Raises OSError."""
    if os.path.isdir(path):
        return
    parent = os.path.dirname(path)
    if parent != path:
        make_directories(parent)
    try:
        os.mkdir(path, 0o700)
    except FileExistsError:
        if not os.path.isdir(path):
            raise


def atomic_write(path: str, data: bytes | str, *, mode: int | None = None, sync: bool = True) -> None:
    """Write `data` to `path` atomically, following a symbolic link to its target.

    `mode` is set exactly; None keeps the mode of the existing file, else applies the umask. `sync=False` is for files
    that can be recreated: they survive a crash of the process, not of the machine. Raises MachineError.
    """
    named, path = path, os.path.realpath(path)
    content = data.encode("utf-8", "surrogateescape") if isinstance(data, str) else data
    temporary = f"{path}.{os.getpid()}.{os.urandom(4).hex()}.tmp"
    try:
        _refuse_device(named, path)
        _write_beside(temporary, content, _mode_for(path, mode), sync=sync)
        fail_point("write/before-rename")
        os.rename(temporary, path)
        fail_point("write/after-rename")
        if sync:
            sync_directory(os.path.dirname(path))
            sweep(path)
    except OSError as error:
        _unlink_quietly(temporary)
        raise machine_error(error, named if error.errno == errno.ENOENT else path) from error
    except BaseException:
        _unlink_quietly(temporary)
        raise


def _refuse_device(named: str, path: str) -> None:
    """Raise OSError if a link leads to a file that isn't regular; as root, a device would be replaced."""
    if not os.path.islink(named):
        return
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISREG(mode):
        raise OSError(errno.ENXIO, "a link leads to something that is not a regular file, and would be replaced", path)


def sweep(path: str) -> None:
    """Delete temporary files that killed writers of `path` have left."""
    directory, name = os.path.split(path)
    for entry in os.listdir(directory):
        if entry.startswith(name + ".") and entry.endswith(".tmp"):
            pid = entry[len(name) + 1 :].partition(".")[0]
            if pid.isascii() and pid.isdigit() and len(pid) < _LONGEST_PID and not _is_alive(int(pid)):
                _unlink_quietly(os.path.join(directory, entry))


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # it runs, as somebody else
    return True


def _mode_for(path: str, mode: int | None) -> int | None:
    if mode is not None:
        return mode
    try:
        return stat.S_IMODE(os.stat(path).st_mode)
    except FileNotFoundError:
        return None


def _write_beside(temporary: str, content: bytes, mode: int | None, *, sync: bool) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    descriptor = os.open(temporary, flags, 0o666 if mode is None else 0o600)
    with open(descriptor, "wb", buffering=0) as stream:
        fail_point("write/created")
        view = memoryview(content)
        while view:
            view = view[stream.write(view) :]
        if mode is not None:
            os.fchmod(descriptor, mode)  # after the write, so that a secret is never readable half way
        if sync:
            os.fsync(descriptor)


def _unlink_quietly(path: str) -> None:
    try:  # noqa: SIM105  contextlib costs an import
        os.unlink(path)
    except OSError:
        pass  # gone already, or the disk that failed us fails here too


def sync_directory(path: str) -> None:
    """Flush a directory's entries, such as after a rename, to disk."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def exchange(one: str, other: str, swap: Callable[[str, str], int] | None = None) -> None:
    """Swap two paths of one filesystem, atomically if the system supports it. Raises OSError; nothing has changed then.

    `swap` is the system's call: it returns 0 or an error number. Where the system or the filesystem has none, a kill
    may leave the content of `other` at `one` + OLD, and nothing at `other` or at `one`.
    """
    failed = (swap or _swap)(one, other)
    if failed in _NO_SWAP:
        aside = one + OLD
        if os.path.lexists(aside):
            raise OSError(errno.EEXIST, os.strerror(errno.EEXIST), aside)
        os.rename(other, aside)
        fail_point("exchange/aside")
        try:
            os.rename(one, other)
        except OSError:
            os.rename(aside, other)
            raise
        fail_point("exchange/in-place")
        os.rename(aside, one)
    elif failed:
        raise OSError(failed, os.strerror(failed), other)


def _swap(one: str, other: str) -> int:
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    paths = os.fsencode(one), os.fsencode(other)
    if hasattr(libc, "renameat2"):
        failed = libc.renameat2(-100, paths[0], -100, paths[1], 2)  # AT_FDCWD, RENAME_EXCHANGE
    elif hasattr(libc, "renamex_np"):
        failed = libc.renamex_np(*paths, 2)  # macOS: RENAME_SWAP
    else:
        return errno.ENOSYS
    return ctypes.get_errno() if failed else 0


def dated_name(path: str, at: float, companions: Sequence[str] = ()) -> str:
    """Return an unused name with the date beside `path`; with the endings `companions` it is unused, too.

    `at` is wall-clock seconds.
    """
    dated = f"{path}.{time.strftime('%Y-%m-%dT%H%M%S', time.localtime(at))}"
    name, number = dated, 1
    while any(os.path.lexists(name + ending) for ending in ("", *companions)):
        number += 1
        name = f"{dated}-{number}"
    return name


def dated_siblings(path: str) -> list[str]:
    """Return the paths with dated names of `path` beside it, as of `dated_name`, and with any ending after the date."""
    folder, name = os.path.split(os.path.abspath(path))
    endings = [entry.removeprefix(name) for entry in list_names(folder) if entry.startswith(name)]
    shapes = {ending: "".join("0" if each.isdigit() else each for each in ending) for ending in endings}
    return [path + ending for ending, shape in shapes.items() if shape.startswith(".0000-00-00T000000")]


def move_aside(path: str, at: float) -> str:
    """Rename `path` to an unused name with the date beside it, and return that; `at` is wall-clock seconds.

    Raises MachineError.
    """
    target = dated_name(path, at)
    try:
        if os.path.lexists(path):
            os.rename(path, target)
        sync_directory(os.path.dirname(os.path.abspath(path)))
    except OSError as error:
        raise machine_error(error, path, "move aside") from error
    return target
