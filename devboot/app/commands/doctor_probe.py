"""`doctor --probe`: imports the project's code in its environment, and returns the addresses that its settings have.

This runs code of the clone, as `up` does; every other check of `doctor` runs none.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator, Mapping
from itertools import pairwise

from devboot import snapshot as snapshots
from devboot.doctor.checks.manifest import words_of
from devboot.doctor.subject import Subject, venv_folder
from devboot.environment.observation import settings_probe
from devboot.environment.observation.startup_module import write_startup
from devboot.model.observation import FAILED, RECORD, Observation, read_observations
from devboot.model.process import PROCESS, ProcessSpec, environment_of, plan_from_plain
from devboot.record import Record
from devboot.scratch import scratch_folder
from devboot.uv.child import TimedOut, run_child

LIMIT = 10.0  # seconds for all processes
_SHARE = 0.8  # of the time, after which the import is interrupted, so that what is known by then is reported
_OBJECT = re.compile(r"^([A-Za-z_][\w.]*):[A-Za-z_][\w.]*(?:\(.*\))?$")
_MODULE = re.compile(r"^[A-Za-z_][\w.]*$")
_APPLICATION = ("-A", "--app")  # of celery and flask
_FLASK = ("app.py", "wsgi.py")  # what `flask run` looks for
_RUNNERS = frozenset({"run", "dev"})  # of fastapi and streamlit


class _Entry(Record):
    """What a process imports: a module, or the path of a script; with the process' environment and folder."""

    name: str
    folder: str
    environ: Mapping[str, str]


def probe(subject: Subject, *, limit: float = LIMIT) -> tuple[Observation, ...]:
    """Import what each process of the last preparation starts, and return what was observed."""
    known = snapshots.read(os.path.join(subject.project.state, snapshots.NAME))
    if known is None:
        return (Observation(FAILED, "`devboot sync` has to prepare the project first"),)
    environ = snapshots.apply(known.patch, subject.environ)
    plan = plan_from_plain(known.plan_plain)._replace(env=tuple(environ.items()))
    specs = [spec for spec in plan.processes if spec.kind == PROCESS]
    entries: dict[tuple[str, str], _Entry] = {}
    for spec in specs:
        own = environment_of(plan, spec)
        for name in entries_of(spec, own):
            entries.setdefault((name, spec.cwd), _Entry(name, spec.cwd, own))
    deadline = time.monotonic() + limit
    venv = venv_folder(subject)
    python = os.path.join(venv, "bin", "python")
    if not os.access(python, os.X_OK):
        return (Observation(FAILED, "there is no virtualenv that could import the code"),)
    found: dict[Observation, None] = {}
    startup = write_startup(subject.project.state, venv, subject.project.root)
    with scratch_folder(subject.project.state) as folder:
        for number, entry in enumerate(entries.values()):
            record = os.path.join(folder, str(number))
            left = max(0.5, deadline - time.monotonic())
            found.update(dict.fromkeys(_seen_by(entry, record, python, startup, venv, subject.project.root, left)))
    return tuple(found)


def _seen_by(
    entry: _Entry, record: str, python: str, startup: str, venv: str, root: str, seconds: float
) -> tuple[Observation, ...]:
    path = os.pathsep.join(filter(None, (startup, entry.environ.get("PYTHONPATH", ""))))
    environ = {**entry.environ, RECORD: record, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}
    command = [python, settings_probe.__file__, record, root, venv, f"{seconds * _SHARE:.2f}", entry.name]
    ended: tuple[Observation, ...] = ()
    try:
        run_child(command, environ=environ, folder=entry.folder, timeout=seconds)
    except TimedOut:
        ended = (Observation(FAILED, f"{entry.name} could not be imported within {seconds:.0f} s"),)
    except OSError as error:
        ended = (Observation(FAILED, f"{entry.name} could not be imported: {error.strerror}"),)
    return (*(_named(each, entry) for each in read_observations(record)), *ended)


def _named(seen: Observation, entry: _Entry) -> Observation:
    if seen.kind != FAILED:
        return seen
    what = "took too long" if seen.name == settings_probe.Stopped.__name__ else f"ended with {seen.name}"
    return seen._replace(name=f"the import of {entry.name} {what}")


def entries_of(spec: ProcessSpec, environ: Mapping[str, str]) -> Iterator[str]:
    """Yield what a process imports at its start, as far as its command shows that."""
    words = words_of(spec.command) if spec.command else list(spec.argv)
    names = [os.path.basename(word) for word in words]
    if settings_probe.MANAGE in names or "django-admin" in names[:1]:
        yield settings_probe.MANAGE
        return
    named = [following for word, following in pairwise(words) if word in _APPLICATION]
    named += [word.partition("=")[2] for word in words if word.startswith("--app=")]
    named += [environ["FLASK_APP"]] if names[:1] == ["flask"] and not named and environ.get("FLASK_APP") else []
    named += [match[0] for word in words[1:] if (match := _OBJECT.match(word))]
    if not named and names[:1] == ["flask"]:
        named = [name for name in _FLASK if os.path.isfile(os.path.join(spec.cwd, name))][:1]
    if not named:
        named = _scripts(words)
    for each in named[:1]:
        module = each.partition(":")[0]
        if module.endswith(".py") or _MODULE.match(module):
            yield module


def _scripts(words: list[str]) -> list[str]:
    """Return the script or module that Python runs, or that is named after `run`."""
    for word, following in pairwise(words):
        if word == "-m" and _MODULE.match(following):
            return [following]
        if following.endswith(".py") and (re.match(r"(?:.*/)?python[\d.]*$", word) or word in _RUNNERS or word == "-u"):
            return [following]
    return []
