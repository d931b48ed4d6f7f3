"""Builds the snapshot for the fast path, with stamps of all files and folders that it depends on.

The functions of `devboot.snapshot` make the stamps: `stamp` for a file or folder, others for names in a folder.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Collection, Iterable

from devboot import code_lines, services, snapshot as snapshots
from devboot.app.fast import data_check
from devboot.app.fast.line_numbers import path_in_message
from devboot.app.preparation.compose.composition import Composed
from devboot.app.preparation.project.loaded import Loaded
from devboot.clone_reader import note
from devboot.environment.ports.allocate import Ports
from devboot.environment.tasks import match_inputs, needs
from devboot.environment.variables.secrets import secrets_file
from devboot.model.edge.manifest.manifest import Manifest
from devboot.model.process import Plan, fixed_port, plan_to_plain
from devboot.snapshot import Snapshot

TYPE_CHECKING = False
if TYPE_CHECKING:
    from devboot.environment.project_python import PythonProject

    Stamps = tuple[tuple[str, int, int], ...]


def stamps_of(loaded: Loaded, python: PythonProject | None, provisioned: Iterable[str], plan: Plan) -> Stamps:
    """Return stamps of the files that the preparation made (`provisioned` paths) and of devboot's own files."""
    project = loaded.project
    named = [
        project.lock,
        secrets_file(project.data),
        os.path.join(project.state, "ports.toml"),
        *provisioned,
    ]
    if python is not None:
        from devboot.environment.venv.record import load_record, paths_to_stamp

        record = load_record(python.venv)
        named += paths_to_stamp(python.venv, record.version if record is not None else "")
    return (*snapshots.stamps(named), *_own_programs(plan))


def _own_programs(plan: Plan) -> Stamps:
    """Return stamps of devboot's own programs that processes run, since another installation may read the snapshot."""
    commands = "\0".join("\0".join((spec.command, *spec.argv)) for spec in plan.processes)
    folder = os.path.dirname(os.path.abspath(services.__file__))
    return tuple(snapshots.presence(path) for path in (sys.executable, folder) if path in commands)


def note_sql_files(manifest: Manifest, root: str) -> None:
    """Record the databases' SQL files, and the folders where new ones would appear, as read by this preparation."""
    for database in manifest.sqlite.values():
        found = match_inputs(root, [database.migrations]).files if database.migrations else ()
        for path in (*found, *((database.seed,) if database.seed else ())):
            note(os.path.join(root, path))


def snapshot_of(
    loaded: Loaded, composed: Composed, ports: Ports, stamps: Stamps, env_files: Iterable[str] = ()
) -> Snapshot:
    """Build the snapshot that warm commands read. Nothing is written.

    `stamps` are those of everything that was read and made. `env_files` are the paths of the env-files: edits of their
    comments alone don't make the snapshot stale.
    """
    root, manifest = loaded.project.root, loaded.manifest

    def waits(task: str) -> bool:
        """Return whether a task depends on something that must be started, such as a service.

        SQLite files needn't be.
        """
        return any(needed not in manifest.sqlite for needed in needs(task, composed.tasks))

    tasks = tuple(
        (name, task.run, os.path.normpath(os.path.join(root, task.cwd)), waits(name))
        for name, task in composed.tasks.items()
    )
    return Snapshot(
        root=root,
        plan_plain=plan_to_plain(composed.plan),
        patch=composed.patch,
        stamps=stamps,
        inherited=composed.composition.inherited,
        ports=(
            *((name, port, "") for name, port in sorted(ports.numbers.items())),
            *((spec.name, port, spec.origin) for spec in composed.plan.processes if (port := fixed_port(spec))),
        ),
        tasks=tasks,
        data=(*_databases(manifest, root), *_dumps(composed)),
        variables=tuple((v.name, v.value, v.source, v.secret) for v in composed.composition.variables),
        detach_keys=manifest.ui.detach_keys,
        inode=snapshots.inode_of(root),
        digests=tuple(_digests(root, stamps)),
        code=tuple(_code(loaded, stamps, frozenset(env_files))),
    )


def _digests(root: str, stamps: Stamps) -> Iterable[tuple[str, str]]:
    """Yield (path, digest) of the project's small files that haven't changed since their stamps."""
    for stamp in stamps:
        path, kind, _ = stamp
        if (
            path.startswith(f"{root}/")
            and "/.venv/" not in path
            and kind not in (*snapshots.KINDS, snapshots.ABSENT[0])
        ):
            digest = snapshots.content_digest(path)
            if digest and snapshots.is_current(stamp):
                yield path, digest


def _code(
    loaded: Loaded, stamps: Stamps, env_files: Collection[str]
) -> Iterable[tuple[str, str, str, tuple[int, ...]]]:
    """Yield the lines without comments of each settings file that hasn't changed since its stamp."""
    project = loaded.project
    forms = dict.fromkeys(env_files, code_lines.ENV)
    if project.written:
        forms[project.manifest] = code_lines.TOML
    if loaded.procfile is not None:
        forms[path_in_message(project.root, loaded.procfile.file)] = code_lines.PROCFILE
    for stamp in stamps:
        path, kind, _ = stamp
        if path in forms and kind not in (*snapshots.KINDS, snapshots.ABSENT[0]):
            digest, lines = snapshots.code_of(path, forms[path])
            if digest and snapshots.is_current(stamp):
                yield path, forms[path], digest, lines


def _databases(manifest: Manifest, root: str) -> Iterable[tuple[str, str, int]]:
    for database in manifest.sqlite.values():
        is_managed = database.pragmas or database.migrations or database.seed
        yield (data_check.MANAGED_SQLITE if is_managed else data_check.SQLITE, os.path.join(root, database.path), 0)


def _dumps(composed: Composed) -> Iterable[tuple[str, str, int]]:
    if not composed.services:
        return
    from devboot.services import aof, rdb
    from devboot.services.data import made_before_start

    for service in composed.services:
        yield from ((data_check.MADE, path, 0) for path in made_before_start(service))
        if service.check == "rdb":
            dump = rdb.dump_of(service)
            yield rdb.product_of(service), dump, rdb.newest_format(service)
            if aof.is_on(service):
                yield f"{data_check.LOGGED}{os.path.basename(dump)}", aof.place_of(service), 0
