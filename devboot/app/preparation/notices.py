"""Notices and warnings before provisioning, and texts about prepared databases."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable, Mapping

from devboot import snapshot as snapshots
from devboot.app.preparation.compose.composition import replaced_by_services
from devboot.app.preparation.flag_overrides import self_reloading
from devboot.app.preparation.project.loaded import Loaded
from devboot.environment.project_owner import is_foreign, strangers
from devboot.environment.variables.envfiles import EnvFiles
from devboot.environment.variables.layers import GENERATED
from devboot.environment.variables.secrets import load_secrets, secrets_file
from devboot.events import NOTE, WARNING, Event, Reporter
from devboot.model.edge.manifest.variables import Generated
from devboot.model.printable import counted
from devboot.paths import shown_from
from devboot.state.project import Project

TYPE_CHECKING = False
if TYPE_CHECKING:
    from devboot.environment import databases


def warn_of_foreign_files(project: Project, environ: Mapping[str, str], uid: int, reporter: Reporter) -> None:
    """Warn of other users who can change what runs here; the project can't silence that, as it may be theirs."""
    you = "root" if uid == 0 else "you"
    for text in strangers(project.root, environ, uid):
        reporter.emit(Event(WARNING, "manifest", f"{text}: its commands run as {you}", slug="trust/foreign-owner"))


def report_notes(loaded: Loaded, files: EnvFiles, reporter: Reporter) -> None:
    """Report the notes of detection, Procfile and env files, each once."""
    if loaded.fresh_detection:
        text = f"no devboot.toml: using what `devboot init` would write ({loaded.project.manifest})"
        reporter.emit(Event(NOTE, "manifest", text))
    for note in loaded.state_notes:
        reporter.emit(Event(NOTE, "state", note))
    for note, warns in loaded.notes:
        reporter.emit(
            Event(WARNING if warns else NOTE, "manifest", note, slug="manifest/not-provided" if warns else "")
        )
    if is_foreign(loaded.project.root, os.geteuid()):
        text = "devboot runs as root in a project of another user: what it makes belongs to root"
        reporter.emit(Event(WARNING, "machine", text, slug="machine/root"))
    for text in loaded.procfile.left_out if loaded.procfile else ():
        reporter.emit(Event(WARNING, "processes", text, slug="procfile/bad-line"))
    if lost := _lost_secrets(loaded, files):
        text = f"new values for {', '.join(lost)}: {secrets_file(loaded.project.data)} no longer has the old ones"
        reporter.emit(Event(NOTE, "secrets", text))
    for text in self_reloading(loaded):
        reporter.emit(Event(WARNING, "processes", text, slug="process/reloads-itself"))
    _warn_of_open_services(loaded, reporter)
    _warn_of_lost_logins(loaded, reporter)
    for name in replaced_by_services(loaded):
        text = f"the Procfile's `{name}` is replaced by `[services.{name}]`"
        reporter.emit(Event(NOTE, "processes", text, slug="procfile/replaced"))
    for file, each in files.notes:
        reporter.emit(Event(WARNING, "env", f"{file}:{each.line}: {each.text}", slug=each.slug))


def _warn_of_open_services(loaded: Loaded, reporter: Reporter) -> None:
    """Warn of services with `access = "open"` in a written manifest; detection reports its own."""
    services = loaded.manifest.services if loaded.project.written else {}
    for name, service in services.items():
        if service.access == "open" and not (name in loaded.fixed and loaded.fixed[name].is_open):
            text = f'`{name}` accepts every user of this machine: `access = "open"`'
            reporter.emit(Event(WARNING, "services", text, slug="service/open"))


def _warn_of_lost_logins(loaded: Loaded, reporter: Reporter) -> None:
    """Warn of MongoDB addresses with a database but no `authSource`, by which no login to devboot's server works."""
    for name, service in loaded.manifest.services.items():
        if (service.recipe or name) != "mongodb" or service.access == "open":
            continue
        address = re.compile(rf"(\$\{{services\.{re.escape(name)}\.url\}}/[^?/]+)(?:\?(?!.*authSource=).*)?")
        for variable, value in loaded.manifest.env.items():
            if isinstance(value, str) and (found := address.fullmatch(value)):
                text = f"`{variable}` can't log in to `{name}`: write `{found[1]}?authSource=admin`"
                reporter.emit(Event(WARNING, "services", text, slug="service/auth-source"))


def warn_of_edits(stamps: Iterable[tuple[str, int, int]], root: str, reporter: Reporter) -> None:
    """Report files that were edited after this command read them; the edit takes effect on the next command.

    Folders are left out, since the run itself creates files in a database's folder; so are named pipes, which are newer
    after each reading.
    """
    for path in dict.fromkeys(stamp[0] for stamp in stamps if not snapshots.is_current(stamp)):
        if not stat.S_ISFIFO(mode := _mode(path)) and not stat.S_ISDIR(mode):
            name = shown_from(path, root)
            reporter.emit(
                Event(NOTE, "project", f"{name} changed during this run; the change takes effect on the next run")
            )


def database_text(path: str, done: databases.Prepared, *, is_there: bool = True) -> str:
    """Return the text that reports a prepared database: created, migrated, backed up."""
    if not is_there:
        return f"{path}, created by the application"
    applied = len(done.applied)
    said = [f"{path} created"] if done.is_new else [path]
    if applied:
        said.append(counted(applied, "migration"))
    if done.backup:
        said.append(f"copy kept, {os.path.basename(done.backup)}")
    return ", ".join(said)


def _mode(path: str) -> int:
    try:
        return os.stat(path).st_mode
    except OSError:
        return 0


def _lost_secrets(loaded: Loaded, files: EnvFiles) -> list[str]:
    """Return the names of variables that had a generated value earlier but are in no file any more."""
    wanted = [name for name, each in loaded.manifest.env.items() if isinstance(each, Generated)]
    before = snapshots.read(os.path.join(loaded.project.state, snapshots.NAME)) if wanted else None
    if before is None:
        return []
    made = {name for name, _, source, _ in before.variables if source == GENERATED}
    known = load_secrets(loaded.project.data).keys() | {each.name for each in files.variables if each.value}
    return [name for name in wanted if name in made and name not in known]
