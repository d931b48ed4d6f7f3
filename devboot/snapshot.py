"""The compiled project, which warm commands read instead of manifest, lock and env files.

Marshalled plain tuples after one header line: devboot's version, the format of marshal, a checksum of the modules that
define the tuples, the length and the crc32 of the rest. The header is checked first, since marshal crashes on damaged
bytes. A file that doesn't match is a stale snapshot: the slow path writes a new one. Installations of the same version
read each other's snapshots, whatever their interpreter.
"""

from __future__ import annotations

import marshal
import os

from devboot import __version__
from devboot.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import Any

NAME = "snapshot"
CHOSEN = os.path.join("generations", "chosen")  # the snapshot is of a restored generation
ABSENT = (-1, -1)
LISTED, MATCHED, FOUND = -2, -3, -4  # replace the time in stamps of names in a folder, and of presence
KINDS = (LISTED, MATCHED, FOUND)
# Ends of names of files that running projects create; those don't matter for a composition.
_PASSING = (
    *("-journal", "-wal", "-shm", ".sqlite3", ".sqlite", ".db", ".rdb", "celerybeat-schedule"),
    *(".bak", ".dat", ".dir", ".log", ".pid", ".sock", ".tmp", ".swp", "~", ".pyc", "__pycache__"),
)
# Folders that patterns never match.
IGNORED = frozenset({".git", ".venv", "venv", "node_modules", "__pycache__", ".tox", ".mypy_cache"})
SET, DEFAULT, PREPEND, UNSET = "=", "?", "+", "-"
_LIMIT = 64 * 1024 * 1024
_SMALL = 256 * 1024
_MARSHAL = 4  # its format since Python 3.4, which later ones read, too
_PROCESSES = 4  # index of `processes` in a plan


class Snapshot(Record):
    """Everything that a warm command needs to know about a prepared project.

    `plan_plain` is a Plan as plain tuples; its environment may be empty, since it is `apply(patch, caller's)`. `patch`
    holds (kind, name, value): `=` set, `?` set unless the caller has it, `+` prepend with the path separator, `-`
    unset. `stamps` hold results of `stamp_of`; `inherited` the caller's variables that the composition depended on, as
    (name, value or None). `variables` are (name, value, source, is secret) of all that devboot sets; `ports` (name,
    port, place of the command that fixes it or "") must be free before the start, `tasks` (name, command, cwd, has
    dependencies) are for `run TASK`, `data` is checked by `app.fast.data_check`.
    """

    root: str
    plan_plain: tuple[Any, ...]
    patch: tuple[tuple[str, str, str], ...]
    stamps: tuple[tuple[str, int, int], ...]
    inherited: tuple[tuple[str, str | None], ...]
    variables: tuple[tuple[str, str, str, bool], ...] = ()
    ports: tuple[tuple[str, int, str], ...] = ()
    tasks: tuple[tuple[str, str, str, bool], ...] = ()
    data: tuple[tuple[str, str, int], ...] = ()
    detach_keys: str = ""  # keys that leave `attach`, as in the manifest
    inode: int = 0  # of the root: a copy at the same path has other data, however alike it is
    digests: tuple[tuple[str, str], ...] = ()  # (path, `content_digest`) of small files: a file that was only touched
    # (path, form as in `code_lines`, digest and numbers of `code_of`) of files in which only comments may change
    code: tuple[tuple[str, str, str, tuple[int, ...]], ...] = ()

    @property
    def processes_plain(self) -> tuple[Any, ...]:
        """Processes, services and tasks in the plan, each as a plain tuple."""
        return self.plan_plain[_PROCESSES]  # type: ignore[no-any-return]


def write(path: str, snapshot: Snapshot) -> None:
    """Write the snapshot to `path` atomically, with mode 0600. Raises MachineError."""
    from devboot.files import atomic_write

    values: tuple[Any, ...] = snapshot
    body = marshal.dumps((values[0], _packed(values[1]), *values[2:]), _MARSHAL)
    atomic_write(path, _header(body) + body, mode=0o600, sync=False)


def since(state: str) -> int:
    """Return the time (ns) since which other programs may have changed the project's data; 0 if unknown.

    That is the end of the last preparation, or of the last run that ended in good order.
    """
    try:
        return os.stat(f"{state}/{NAME}").st_mtime_ns
    except OSError:
        return 0


def mark_end(state: str) -> None:
    """Record the time at which a run has ended; from now on other programs may change the project's data."""
    try:
        os.utime(f"{state}/{NAME}")
    except OSError:
        return  # there is none, or the disk is read-only: the data is checked at the next start


def read(path: str, *, has_plan: bool = True) -> Snapshot | None:
    """Return the snapshot at `path`; None if it is missing, damaged, of another format or another user's file.

    Without `has_plan` its plan is left out: unpacking that of hundreds of processes takes milliseconds.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)  # a pipe: empty
    except OSError:
        return None
    try:
        found = os.fstat(descriptor)
        if found.st_uid != os.getuid() or found.st_size > _LIMIT:
            return None
        data = os.read(descriptor, found.st_size)
    except OSError:
        return None
    finally:
        os.close(descriptor)
    return parse(data, has_plan=has_plan)


def parse(data: bytes, *, has_plan: bool = True) -> Snapshot | None:
    """Parse the bytes of a snapshot; None for anything that `write` doesn't write."""
    end = data.find(b"\n") + 1
    body = data[end:]
    if not end or data[:end] != _header(body):
        return None
    root, plan, *others = marshal.loads(body)  # noqa: S302  a file of this user, 0600, with a checksum
    return Snapshot(root, _unpacked(plan) if has_plan else (), *others)


def _packed(plan: tuple[Any, ...]) -> bytes:
    """Encode a plan in few bytes: each process as its differences from the one before it, equal values once."""
    from itertools import pairwise

    known: dict[tuple[object, ...], Any] = {}

    def shared(value: Any) -> Any:
        """Return the first value seen that equals this one in content and types."""
        if not isinstance(value, tuple):
            return known.setdefault((type(value), value), value)
        items = tuple([shared(item) for item in value])
        return known.setdefault((tuple, *map(id, items)), items)

    plan = shared(plan)
    rows = []
    for processes in plan[_PROCESSES : _PROCESSES + 1]:
        for before, row in pairwise(processes):
            places = tuple([at for at, value in enumerate(row) if value is not before[at]])
            rows.append((shared(places), tuple([row[at] for at in places])))
    return marshal.dumps((_with_processes(plan, plan[_PROCESSES][:1]) if rows else plan, rows), _MARSHAL)


def _unpacked(data: bytes) -> tuple[Any, ...]:
    """Decode a plan encoded by `_packed`; neighbouring processes share their equal values in memory."""
    plan, rows = marshal.loads(data)  # noqa: S302  as above
    if not rows:
        return plan  # type: ignore[no-any-return]
    processes = list(plan[_PROCESSES])
    for places, values in rows:
        row = list(processes[-1])
        for at, value in zip(places, values, strict=True):
            row[at] = value
        processes.append(tuple(row))
    return _with_processes(plan, tuple(processes))


def _with_processes(plan: tuple[Any, ...], processes: tuple[Any, ...]) -> tuple[Any, ...]:
    return (*plan[:_PROCESSES], processes, *plan[_PROCESSES + 1 :])


def stamp(path: str) -> tuple[str, int, int]:
    """Return a stamp of a file or folder, which differs once it changes; its kind is ABSENT if nothing is there.

    A stamp is (path, time in ns, number). The time is that of the inode's last change, which nobody can set; the number
    combines inode, size and time of the last write. For a folder only that time counts.
    """
    try:
        found = os.stat(path)
    except OSError:
        return (path, *ABSENT)
    if found.st_mode & 0o170000 == 0o040000:
        return (path, found.st_mtime_ns, 0)
    return (path, found.st_ctime_ns, hash((found.st_ino, found.st_size, found.st_mtime_ns)))


def listing(path: str) -> tuple[str, int, int]:
    """Return a stamp of the names in a folder: (path, LISTED, crc32), without hidden names and data of programs.

    A folder's own time would change with each journal that SQLite creates beside its database.
    """
    from zlib import crc32

    try:
        names = sorted(name for name in os.listdir(path) if name[0] != "." and not name.endswith(_PASSING))
    except OSError:
        return (path, LISTED, -1)
    return (path, LISTED, crc32("\0".join(names).encode("utf-8", "surrogateescape")))


def presence(path: str) -> tuple[str, int, int]:
    """Return a stamp of whether `path` exists, and whether it is a file or a folder; links are followed."""
    try:
        return (path, FOUND, os.stat(path).st_mode & 0o170000)
    except OSError:
        return (path, FOUND, -1)


def matching(path: str) -> tuple[str, int, int]:
    """Return a stamp of the names that match `folder/PREFIX*SUFFIX`; with `/` at its end, only of folders.

    Folders in IGNORED don't count.
    """
    from zlib import crc32

    folder, _, pattern = path.rstrip("/").rpartition("/")
    prefix, _, suffix = pattern.partition("*")
    only_folders = path[-1] == "/"
    found = []
    try:
        with os.scandir(folder or "/") as entries:
            for entry in entries:
                name = entry.name
                if name.startswith(prefix) and name.endswith(suffix) and name not in IGNORED:
                    is_folder = entry.is_dir(follow_symlinks=False)
                    if is_folder or not only_folders:
                        found.append(f"{name}/" if is_folder else name)
    except OSError:
        return (path, MATCHED, -1)
    return (path, MATCHED, crc32("\0".join(sorted(found)).encode("utf-8", "surrogateescape")))


def stamps(paths: Iterable[str]) -> tuple[tuple[str, int, int], ...]:
    """Return `stamp(path)` of each path, in order."""
    return tuple(stamp(path) for path in paths)


def runs_nothing(snapshot: Snapshot) -> bool:
    """Return whether the snapshot's plan has no process, service or task, as after `run` in a clone without any."""
    return not snapshot.processes_plain


def is_fresh(snapshot: Snapshot, root: str, environ: Mapping[str, str]) -> bool:
    """Return whether nothing that the snapshot was made from has changed: one `stat` per file.

    Changed ones are read.
    """
    if snapshot.root != root or (snapshot.inode and snapshot.inode != inode_of(root)):
        return False
    for name, value in snapshot.inherited:
        if environ.get(name) != value:
            return False
    return not any(changed(snapshot))


def changed(snapshot: Snapshot) -> Iterator[tuple[str, int, int]]:
    """Yield the stamps of changed files, except for those only touched, or with changes only in comments."""
    digests: dict[str, str] | None = None
    for old in snapshot.stamps:
        if not is_current(old):
            digests = dict(snapshot.digests) if digests is None else digests
            if not _means_the_same(snapshot, digests, old):
                yield old


def _means_the_same(snapshot: Snapshot, digests: Mapping[str, str], old: tuple[str, int, int]) -> bool:
    """Return whether a file with a new stamp has the same content, or the same lines apart from comments."""
    path, kind, _ = old
    if kind in (*KINDS, ABSENT[0]):
        return False
    digest = digests.get(path)
    if digest is not None and digest == content_digest(path):
        return True
    return any(known[0] == path and _has_same_code(known) for known in snapshot.code)


def content_digest(path: str) -> str:
    """Return a digest of a small regular file's content and permissions; "" for any other file."""
    found = _small_file(path)
    return "" if found is None else _digest(*found)


def code_of(path: str, form: str) -> tuple[str, tuple[int, ...]]:
    """Return a digest of a small file's permissions and lines without comments, and the numbers of these lines.

    The digest is "" for other files, and if comments can't be recognised. `form` is as in `code_lines`.
    """
    from devboot.code_lines import code_lines

    found = _small_file(path)
    lines = None if found is None else code_lines(found[1], form)
    return ("", ()) if found is None or lines is None else (_digest(found[0], lines[1]), lines[0])


def _has_same_code(known: tuple[str, str, str, tuple[int, ...]]) -> bool:
    path, form, digest, _ = known
    return code_of(path, form)[0] == digest


def _digest(about: os.stat_result, content: bytes) -> str:
    from _blake2 import blake2b

    head = f"{about.st_mode} {about.st_uid} {len(content)}\n".encode()
    return blake2b(head + content, digest_size=16).hexdigest()


def _small_file(path: str) -> tuple[os.stat_result, bytes] | None:
    """Return the status and content of a small regular file; None for anything else."""
    from devboot.clone_reader import open_regular

    try:
        descriptor = open_regular(path)
    except OSError:
        return None
    try:
        found = os.fstat(descriptor)
        return None if found.st_size > _SMALL else (found, os.read(descriptor, _SMALL))
    except OSError:
        return None
    finally:
        os.close(descriptor)


def inode_of(root: str) -> int:
    """Return the inode number of a project's root; 0 if it was deleted."""
    try:
        return os.stat(root).st_ino
    except OSError:
        return 0


def are_current(recorded: Iterable[tuple[str, int, int]]) -> bool:
    """Return whether all files and folders still match their stamps."""
    return all(is_current(old) for old in recorded)


def is_current(old: tuple[str, int, int]) -> bool:
    """Return whether one file or folder still matches its stamp."""
    return stamped_again(old) == old


def stamped_again(old: tuple[str, int, int]) -> tuple[str, int, int]:
    """Return the present stamp of the file, folder or names of an old stamp."""
    return stamp_of(old[0], old[1])


def stamp_of(path: str, kind: int) -> tuple[str, int, int]:
    """Return the present stamp of a path; `kind` selects content, presence, listing or matching names."""
    return _MAKERS.get(kind, stamp)(path)


_MAKERS = {LISTED: listing, MATCHED: matching, FOUND: presence}


def apply(patch: Iterable[tuple[str, str, str]], environ: Mapping[str, str]) -> dict[str, str]:
    """Return a copy of `environ` with the changes of a patch (see `Snapshot`)."""
    result = dict(environ)
    for kind, name, value in patch:
        if kind == SET:
            result[name] = value
        elif kind == DEFAULT:
            result.setdefault(name, value)
        elif kind == PREPEND:
            before = result.get(name)
            result[name] = f"{value}{os.pathsep}{before}" if before else value
        elif kind == UNSET:
            result.pop(name, None)
    return result


def _header(body: bytes) -> bytes:
    from zlib import crc32

    parts = (__version__, _MARSHAL, _layout(), len(body), f"{crc32(body):08x}")
    return f"devboot-snapshot {' '.join(map(str, parts))}\n".encode()


def _layout() -> str:
    """Return a text that differs if snapshots have another form, or after each commit of a checkout.

    A pull brings other code under the same version; git's log of its HEAD grows with it.
    """
    from zlib import crc32

    package = os.path.dirname(os.path.abspath(__file__))
    checksum = 0
    for name in ("snapshot.py", "model/process.py"):
        with open(f"{package}/{name}", "rb", buffering=0) as file:
            checksum = crc32(file.read(), checksum)
    try:
        commits = os.stat(f"{os.path.dirname(package)}/.git/logs/HEAD").st_size
    except OSError:  # no checkout
        commits = 0
    return f"{checksum:08x}.{commits}"
