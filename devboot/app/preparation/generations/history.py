"""Generations: records each sync's composition; lists them, compares two, restores one."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

from devboot import __version__
from devboot.app.preparation.generations.redaction import (
    SECRETS,
    readable,
    secret_values,
    with_secrets,
    without_secrets,
)
from devboot.app.preparation.install.provisioning import Provisioned
from devboot.errors import UsageError, WorkError
from devboot.files import plain
from devboot.model.printable import counted
from devboot.model.process import Plan, ProcessSpec
from devboot.provision import generations as files
from devboot.provision.generations import Generation
from devboot.provision.objects.roots import hold_for_project
from devboot.provision.profile import link_programs
from devboot.record import Record
from devboot.snapshot import CHOSEN, KINDS, PREPEND, SET, Snapshot, inode_of

OBJECT, PYTHON, PACKAGE, VARIABLE, PROCESS = "object", "python", "package", "variable", "process"
_IN_STORE = re.compile(r"[^\s=:]*/store/[a-z0-9]{8,32}-([^/\s:]+)-[^-/\s:]+")
_NOT_COMPOSED = (
    "stamps",
    "root",
    "inode",
    "plan_plain",
    "code",
)  # fields of a snapshot that are stored in another form, or computed again


class Change(Record):
    """A difference between two generations; `old` or `new` is None if only the other generation has the item."""

    kind: str
    name: str
    old: str | None
    new: str | None
    secret: bool = False


class Summary(Record):
    """A line of `devboot generations`: `what` names its main parts, `at` is wall-clock seconds."""

    number: int
    at: float
    what: str
    is_current: bool


def record(
    state: str,
    *,
    at: float,
    lock: str,
    folder: str,
    data: str,
    provisioned: Provisioned,
    snapshot: Snapshot,
    passwords: Mapping[str, str],
) -> int:
    """Record a composition as a generation, unless the current one is equal; return the current generation's number.

    `passwords` are the generated values by name: neither they nor other secret values are written. `lock` is the path
    of the lock, `folder` where uv works; objects in the store below `data` are kept as long as the generation. Raises
    MachineError.
    """
    body = without_secrets(_body(lock, folder, provisioned, snapshot), passwords, files.salt(state))
    identity = _identity(body)
    with suppress(FileNotFoundError):
        os.unlink(os.path.join(state, CHOSEN))
    known = {facts.identity: facts.number for facts in files.all_facts(state)}
    if identity in known:
        files.switch(state, known[identity])
        return known[identity]
    store = os.path.join(data, "store")  # programs from PATH aren't in the store, and can't be kept
    libraries = provisioned.venv.libraries if provisioned.venv is not None else ()
    paths = (*(each.path for each in provisioned.objects.values()), *libraries)
    objects = tuple(sorted({os.path.basename(path) for path in paths if os.path.dirname(path) == store}))
    number = files.append(state, at, identity, objects, body)
    hold_for_project(data, snapshot.root, objects, files.held_objects(state))
    return number


def last_lock(state: str) -> str:
    """Return the text of devboot.lock as of the current generation; "" without one."""
    found = files.read(state, files.current(state))
    text = found.body.get("lock") if found is not None else ""
    return text if isinstance(text, str) else ""


def link_profile(state: str, snapshot: Snapshot) -> None:
    """Link the project's programs into `<state>/profile`, a fixed path for editors. Raises MachineError."""
    venv = next((value for kind, name, value in snapshot.patch if (kind, name) == (SET, "VIRTUAL_ENV")), None)
    folders = [value for kind, name, value in reversed(snapshot.patch) if (kind, name) == (PREPEND, "PATH")]
    link_programs(state, [folder for folder in folders if os.path.dirname(folder) != venv])


def summaries(state: str) -> tuple[Summary, ...]:
    """Return a summary of every readable generation of a project, newest first."""
    here = files.current(state)
    found = (files.read(state, facts.number) for facts in reversed(files.all_facts(state)))
    return tuple(
        Summary(each.facts.number, each.facts.at, _words(each), each.facts.number == here) for each in found if each
    )


def chosen(state: str, number: int) -> Generation:
    """Return the generation `number`. Raises UsageError `usage/no-generation`, WorkError `generation/unreadable`."""
    found = files.read(state, number)
    if found is not None:
        return found
    known = [facts.number for facts in files.all_facts(state)]
    if number in known:
        raise WorkError("generation/unreadable", f"generation {number} is damaged", help=["devboot generations"])
    there = [f"there {'is only' if len(known) == 1 else 'are'} {', '.join(map(str, known))}"]
    raise UsageError(
        "usage/no-generation",
        f"there is no generation {number}",
        causes=there if known else ["nothing has been synced here yet"],
        help=["devboot generations"],
    )


def previous(state: str) -> int:
    """Return the number of the generation that was in use before the current one.

    Raises UsageError `usage/no-generation`.
    """
    if number := files.before_current(state):
        return number
    raise UsageError(
        "usage/no-generation",
        "there is no generation before this one",
        causes=["a successful `sync` or `up` that changes something makes a generation"],
        help=["devboot generations"],
    )


def differences(old: Generation, new: Generation) -> tuple[Change, ...]:
    """Return the differences of two generations: programs, Python, packages, variables, commands of processes."""
    changes = [*_compare(OBJECT, _programs(old), _programs(new)), *_compare(PYTHON, _python(old), _python(new))]
    changes += _compare(PACKAGE, old.body["installed"], new.body["installed"])
    secret = _secrets(old) | _secrets(new)
    before, after = _variables(old), _variables(new)
    changes += [each._replace(secret=each.name in secret) for each in _compare(VARIABLE, before, after)]
    return (*changes, *_compare(PROCESS, _commands(old), _commands(new)))


def values_in(snapshot: Snapshot, passwords: Mapping[str, str]) -> dict[str, str]:
    """Return all values in a snapshot by name: variables, services' `passwords`, passwords in addresses."""
    variables = {name: value for name, value, _, _ in snapshot.variables}
    return variables | secret_values({"snapshot": _snapshot_to_plain(snapshot)}, passwords)


def snapshot_of(
    generation: Generation,
    stamps: Iterable[tuple[str, int, int]],
    environ: Mapping[str, str],
    values: Mapping[str, str],
) -> Snapshot:
    """Return a generation's snapshot for warm commands, with new `stamps`, secret `values` and present variables."""
    saved = dict(with_secrets(generation.body, values)["snapshot"])
    plan = dict(saved.pop("plan"))
    plan["processes"] = [_positional(ProcessSpec, each) for each in plan["processes"]]
    plan["version"] = __version__
    known = {name: _tuples(value) for name, value in saved.items() if name in Snapshot._fields}
    known["inherited"] = tuple((name, environ.get(name)) for name, _ in known["inherited"])
    plain = _tuples(_positional(Plan, plan))
    root = str(plan["root"])
    return Snapshot(root=root, plan_plain=plain, stamps=tuple(stamps), inode=inode_of(root), **known)


def _body(lock: str, folder: str, provisioned: Provisioned, snapshot: Snapshot) -> dict[str, Any]:
    return {
        "devboot": __version__,
        "objects": sorted([*wish, found.name] for wish, found in provisioned.objects.items()),
        "lock": _text_of(lock),
        **_venv_of(provisioned, folder),
        "snapshot": _snapshot_to_plain(snapshot),
    }


def _venv_of(provisioned: Provisioned, folder: str) -> dict[str, Any]:
    venv = provisioned.venv.spec if provisioned.venv is not None else None
    if venv is None:
        return {"venv": None, "installed": {}}
    from devboot.environment.venv.record import load_record
    from devboot.environment.venv.serialise import venv_to_plain

    record_of = load_record(venv.path)
    return {
        "venv": venv_to_plain(venv, folder),
        "installed": dict(sorted(record_of.installed.items())) if record_of is not None else {},
    }


def _snapshot_to_plain(snapshot: Snapshot) -> dict[str, Any]:
    """Convert a snapshot to a dict by field names, so that a later devboot with more fields can read it."""
    plan = dict(zip(Plan._fields, snapshot.plan_plain, strict=True))
    plan["processes"] = [dict(zip(ProcessSpec._fields, each, strict=True)) for each in plan["processes"]]
    named = {name: value for name, value in snapshot._asdict().items() if name not in _NOT_COMPOSED}
    paths = [[path, kind if kind in KINDS else 0] for path, kind, _ in snapshot.stamps]
    return {"plan": plan, "paths": paths, **named}


def _text_of(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="surrogateescape", opener=plain) as stream:
            return stream.read()
    except FileNotFoundError:
        return ""


def _identity(body: Mapping[str, Any]) -> str:
    """Return a digest of a generation that ignores times and finished tasks: equal environments have equal digests."""
    saved = body["snapshot"]
    parts = [body["objects"], body["lock"], body["venv"], body["installed"], body[SECRETS]]
    variables = [[name, value, secret] for name, value, _, secret in saved["variables"]]
    processes = [[each["name"], each["command"], each["argv"], each["cwd"]] for each in saved["plan"]["processes"]]
    return hashlib.sha256(json.dumps([*parts, variables, processes], sort_keys=True).encode()).hexdigest()


def _words(generation: Generation) -> str:
    said = [f"{name} {version}" for name, version in _programs(generation).items()]
    said += [f"python {version}" for version in _python(generation).values()]
    count = len(generation.body["installed"])
    said += [counted(count, "package")] if count else []
    return ", ".join(said) or "nothing but variables and processes"


def _programs(generation: Generation) -> dict[str, str]:
    """Return {package: version}; with several versions of one package, keys like `redis 7`."""
    rows = [tuple(row) for row in generation.body["objects"]]
    several = {name for name, *_ in rows if sum(name == other[0] for other in rows) > 1}
    named = {(f"{name} {asked}" if name in several and asked else name): found for name, asked, _, found in rows}
    return {name: found.rpartition("-")[2] for name, found in named.items()}


def _python(generation: Generation) -> dict[str, str]:
    venv = generation.body["venv"]
    return {} if venv is None else {"python": str(venv["python"]["version"])}


def _variables(generation: Generation) -> dict[str, str]:
    digests = generation.body.get(SECRETS, {})
    return {
        name: readable(_shortened(value)) + digests.get(name, "")
        for name, value, _, _ in generation.body["snapshot"]["variables"]
    }


def _shortened(text: str) -> str:
    """Return a text with paths of store objects shortened to the package's files, as they change with each version."""
    return _IN_STORE.sub(r"\1", text)


def _secrets(generation: Generation) -> set[str]:
    return {name for name, _, _, secret in generation.body["snapshot"]["variables"] if secret}


def _commands(generation: Generation) -> dict[str, str]:
    processes = generation.body["snapshot"]["plan"]["processes"]
    return {each["name"]: readable(_shortened(each["command"] or " ".join(each["argv"]))) for each in processes}


def _compare(kind: str, old: Mapping[str, str], new: Mapping[str, str]) -> list[Change]:
    names = sorted({*old, *new})
    return [Change(kind, name, old.get(name), new.get(name)) for name in names if old.get(name) != new.get(name)]


def _positional(kind: type[Plan | ProcessSpec], saved: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return a saved record's values in field order; fields missing in an older record get their default."""
    return tuple(saved.get(field, kind._field_defaults.get(field)) for field in kind._fields)


def _tuples(value: Any) -> Any:
    return tuple(_tuples(item) for item in value) if isinstance(value, (list, tuple)) else value
