"""`devboot export`: writes service files for another supervisor, with honcho's exporters.

Each process becomes a script with its folder, variables and command, readable only by its owner; the service files only
run these scripts. So no value has to be quoted for the format, and none is in a file that everybody may read.
"""

from __future__ import annotations

import os
import pwd
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from devboot.app.commands.env import unnameable
from devboot.app.commands.preparing.runner import lost_features
from devboot.app.commands.preparing.up import all_but
from devboot.app.generated_files import WrittenFile, WrittenFiles, write_generated
from devboot.app.preparation.prepare import Prepared
from devboot.errors import UsageError
from devboot.model.printable import counted
from devboot.model.process import TASK, ProcessSpec, variables_of
from devboot.record import Record
from devboot.snapshot import DEFAULT, PREPEND, SET, UNSET
from devboot.supervisor.system.command import SHELL, launch_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from devboot.app.context import Context

SCRIPTS = "bin"  # where in the folder the processes' scripts lie
_GROUP = "honcho_exporters"
_PLAIN_PATH = re.compile(r"[A-Za-z0-9_@%+=:,./-]+")
_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9_-]")
# Formats that wrap the command in a shell, which would stand between the supervisor and the process.
_IN_A_SHELL = ("systemd", "supervisord")

Patch = Sequence[tuple[str, str, str]]


class Form(Record):
    """Settings of the service files, under the names that honcho's templates use."""

    kind: str
    folder: str  # absolute
    app: str
    user: str
    log: str
    templates: str = ""  # a folder with templates that are used instead of honcho's


class HonchoProcess(Record):
    """A process in the form that honcho's exporters expect."""

    name: str
    cmd: str
    quiet: bool
    env: dict[str, str]


def kinds() -> tuple[str, ...]:
    """Return the names of the formats that honcho can export, sorted."""
    return tuple(sorted(_exporters()))


def refuse_unusable(kind: str, folder: str) -> None:
    """Raise UsageError for an unknown format, or a folder whose path can't be written in service files."""
    if kind not in _exporters():
        raise UsageError(
            "export/unknown-format",
            f"there is no exporter for `{kind}`",
            help=[f"devboot export {each} deploy" for each in kinds()],
        )
    if not _PLAIN_PATH.fullmatch(folder):
        raise UsageError(
            "export/folder",
            f"`{folder}` can't be used in service files: it has blanks or special characters",
            help=[f"devboot export {kind} /srv/deploy"],
        )


def form_of(kind: str, folder: str, project: str, values: Mapping[str, object], context: Context) -> Form:
    """Return the settings of the service files for the flags of `export`."""
    app = plain_app(str(values.get("app") or project))
    templates = str(values.get("templates") or "")
    return Form(
        kind,
        folder,
        app,
        user=str(values.get("user") or pwd.getpwuid(context.uid).pw_name),
        log=str(values.get("log") or f"/var/log/{app}"),
        templates=os.path.join(context.cwd, templates) if templates else "",
    )


def export(form: Form, prepared: Prepared, values: Mapping[str, object], *, at: float) -> WrittenFiles:
    """Write the service files of a prepared project.

    Raises UsageError, MachineError; see `write_generated`, `all_but`.
    """
    plan, project = prepared.composed.plan, prepared.loaded.project
    excepted = values.get("except") or ()
    assert isinstance(excepted, (list, tuple))
    names = all_but(tuple(map(str, excepted)), (), plan.processes)
    chosen = (spec for spec in plan.processes if spec.name in names)
    specs = [spec._replace(env=tuple(sorted(variables_of(plan, spec).items()))) for spec in chosen]
    files = exported(form, specs, prepared.snapshot.patch)
    record = os.path.join(project.state, "exports.json")
    return write_generated(files, form.folder, record, at=at, is_forced=bool(values.get("force")))


def report_lines(form: Form, prepared: Prepared, done: WrittenFiles, shown: str) -> Iterator[str]:
    """Yield lines that report an export: counts, renamed files, secrets in files, features that are lost."""
    for path, name in done.aside:
        yield f"{os.path.join(shown, path)} was in the way, it is {os.path.join(shown, name)} now"
    said = [counted(len(done.written), "file"), f"{len(done.unchanged)} unchanged"]
    said += [f"{len(done.removed)} removed"] if done.removed else []
    yield f"{form.kind}: wrote {', '.join(said)} in {shown}"
    secret = [one.name for one in prepared.composed.composition.variables if one.secret and one.name != "PORT"]
    if secret:
        yield f"secret values are in {os.path.join(shown, SCRIPTS)}, readable only by you: {', '.join(secret)}"
    for lost in lost_features(prepared.loaded.manifest):
        yield f"{form.kind} files can't express this, so it is left out: {lost}"
    if tasks := [spec.name for spec in prepared.composed.plan.processes if spec.kind == TASK]:
        yield f"{form.kind} files can't run tasks, so they are left out: {', '.join(tasks)}"


def plain_app(name: str) -> str:
    """Return a project's name in a form that file names and section headers can have."""
    return _NOT_IN_A_NAME.sub("-", name).strip("-") or "app"


def exported(form: Form, specs: Iterable[ProcessSpec], patch: Patch) -> tuple[WrittenFile, ...]:
    """Return all files to write for these processes, relative to the folder. Raises UsageError `export/same-name`."""
    specs = tuple(specs)
    scripts = [
        WrittenFile(os.path.join(SCRIPTS, _numbered(spec.name)), script(form.app, spec, patch), 0o700) for spec in specs
    ]
    ignored = WrittenFile(os.path.join(SCRIPTS, ".gitignore"), "*\n", 0o644)
    found = (*scripts, ignored, *_rendered(form, specs))
    names = [each.path for each in found]
    twice = next((name for name in names if names.count(name) > 1), "")
    if twice:
        raise UsageError(
            "export/same-name",
            f"two processes would both be called `{twice}`",
            causes=["service files have `-` for each character that is neither letter nor digit"],
            help=["rename one of them"],
        )
    return found


def script(app: str, spec: ProcessSpec, patch: Patch) -> str:
    """Return the text of a script that runs one process as devboot does: in its folder, with its variables."""
    lines = [f"#!{SHELL}", f"# {spec.name} of {app}, written by `devboot export`: edit the project, not this file"]
    lines.append(f"cd {shlex.quote(spec.cwd)} || exit 1")
    left_out = set(unnameable(patch))
    lines += [_shell_line(*each) for each in patch if each[1] not in left_out]
    lines += [f"unset {name}" for name in spec.unset]
    lines += [f"export {name}={shlex.quote(value)}" for name, value in spec.env]
    return "\n".join([*lines, _command(spec), ""])


def _shell_line(kind: str, name: str, value: str) -> str:
    quoted = shlex.quote(value)
    lines = {
        SET: f"export {name}={quoted}",
        UNSET: f"unset {name}",
        PREPEND: f'export {name}={quoted}"${{{name}:+:${name}}}"',
        DEFAULT: f'[ -n "${{{name}+x}}" ] || {name}={quoted}; export {name}',
    }
    return lines[kind]


def _command(spec: ProcessSpec) -> str:
    if not spec.command:
        return f"exec {shlex.join(spec.argv)}"
    launch = launch_of(spec.command)
    if launch.argv[:2] == (SHELL, "-c"):
        return launch.argv[2]
    return f"exec {shlex.join(launch.argv)}"


def _rendered(form: Form, specs: Sequence[ProcessSpec]) -> Iterator[WrittenFile]:
    export = _exporters()[form.kind].load()(template_dir=form.templates or None)
    before = "exec " if form.kind in _IN_A_SHELL else ""
    processes = [
        HonchoProcess(
            _numbered(spec.name),
            f"{before}{os.path.join(form.folder, SCRIPTS, _numbered(spec.name))}",
            quiet=False,
            env={name: value for name, value in spec.env if name in ("PS", "PORT")} or {"PS": spec.name},
        )
        for spec in specs
    ]
    # The scripts change into their folders themselves.
    context: Mapping[str, Any] = {
        "app": form.app,
        "app_root": form.folder,
        "log": form.log,
        "shell": SHELL,
        "user": form.user,
    }
    for file in export.render(processes, dict(context)):
        yield WrittenFile(file.name, file.content, 0o755 if file.executable else 0o644)


def _numbered(name: str) -> str:
    """Return a process name with instance number, `web.1` for `web`, as honcho's templates need."""
    _, dot, number = name.rpartition(".")
    return name if dot and number.isdigit() else f"{name}.1"


def _exporters() -> dict[str, EntryPoint]:
    return {each.name: each for each in entry_points(group=_GROUP)}
