"""Parses devboot.toml into frozen values and reports all its mistakes at once."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field, PrivateAttr, ValidationError

import devboot
from devboot.clone_reader import read_bytes
from devboot.errors import DevbootError, ManifestError, Place, Problems, reason_of, shell_word
from devboot.model.edge.complaints import Complaints, problems_of
from devboot.model.edge.manifest.names import KINDS, Names, tables_of
from devboot.model.edge.manifest.probes import PROBES
from devboot.model.edge.manifest.references import References
from devboot.model.edge.manifest.service_databases import ManifestDocument
from devboot.model.edge.manifest.tables import (
    DATABASES,
    AnyDatabase,
    AnyTool,
    Database,
    EnvFiles,
    Process,
    ProcfileTable,
    Project,
    Python,
    ServerDatabase,
    Service,
    Task,
    Tool,
    Ui,
)
from devboot.model.edge.manifest.variables import BRANCHES, Variable
from devboot.model.edge.toml.document import Document, decode
from devboot.model.edge.types import EntryName, Table, VariableName
from devboot.model.printable import printable
from devboot.model.project_files.overmind import procfile_of, read_settings
from devboot.model.project_files.procfile import Procfile, parse_procfile
from devboot.paths import shown_from
from devboot.record import Record

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from devboot.model.edge.toml.locator import Path

MANIFEST = "devboot.toml"
PROCFILES = ("Procfile.dev", "Procfile")

_NUL = re.compile(r"\\(?:u0{4}|U0{8}|x00)")
_KINDS: dict[str, type[Table]] = {"services": Service, "databases": Database, "tasks": Task, "processes": Process}
_TAGS: dict[str, type[Table]] = {
    **{f"<{key}>": probe for key, probe in PROBES.items()},
    "<text>": Table,
    "<tool>": Tool,
    **DATABASES,
    **{f"<{key}>": branch for key, branch in BRANCHES.items()},
}


class Manifest(Table):
    """The whole of devboot.toml. Paths are as written, relative to the project's folder."""

    noun: ClassVar[str] = "the manifest"

    project: Project = Field(default=Project(), description="The project as a whole.")
    python: Python = Field(default=Python(), description="The interpreter and the virtualenv.")
    packages: dict[EntryName, AnyTool] = Field(default={}, description="Tools from recipes, on PATH: name and version.")
    services: dict[EntryName, Service] = Field(default={}, description="Servers from recipes.")
    databases: dict[EntryName, AnyDatabase] = Field(default={}, description="SQLite files, and databases of services.")
    env: dict[VariableName, Variable] = Field(default={}, description="Variables for everything that runs.")
    env_files: EnvFiles = Field(default=EnvFiles(), alias="env-files", description="Which files of variables are read.")
    tasks: dict[EntryName, Task] = Field(default={}, description="Commands that run once.")
    procfile: ProcfileTable = Field(default=ProcfileTable(), description="Location of the Procfile.")
    processes: dict[EntryName, Process] = Field(
        default={}, description="Settings of processes that a Procfile can't express."
    )
    ui: Ui = Field(default=Ui(), description="The user interface.")

    _document: ManifestDocument | None = PrivateAttr(default=None)

    def is_wired(self, service: str) -> bool:
        """Return whether a variable of the manifest refers to the address of a service or of one of its databases."""
        values = repr((self.env, *(process.env for process in self.processes.values())))
        inside = (f"databases.{name}" for name, database in self.served.items() if database.service == service)
        return any(f"${{{name}." in values for name in (f"services.{service}", *inside))

    def model_post_init(self, context: Any, /) -> None:
        """Store the TOML document, which is passed as pydantic's validation context."""
        self._document = context

    @property
    def document(self) -> ManifestDocument:
        """The TOML document that the manifest was parsed from, with the places of its values."""
        assert self._document is not None
        return self._document

    @property
    def is_written(self) -> bool:
        """Whether it is a devboot.toml, not one that was detected and is kept outside of the clone."""
        return os.path.basename(self.document.file) == MANIFEST

    @property
    def sqlite(self) -> dict[str, Database]:
        """The databases that are SQLite files, by name."""
        return {name: each for name, each in self.databases.items() if isinstance(each, Database)}

    @property
    def served(self) -> dict[str, ServerDatabase]:
        """The databases inside of services, by name."""
        return {name: each for name, each in self.databases.items() if isinstance(each, ServerDatabase)}

    def place(self, path: tuple[str | int, ...], *, key: bool = False, label: str = "") -> Place:
        """Return the line of the value at `path`, such as ("services", "redis", "port"), or with `key` of its key.

        If the manifest doesn't have it, return the place of the nearest enclosing table, else the file as a whole.
        """
        return self.document.place(path, key=key, label=label)

    def at(self, path: tuple[str | int, ...]) -> Place:
        """Return the line of the value at `path`, such as ("services", "redis", "port")."""
        return self.place(path)


def parse_manifest(
    text: str,
    file: str,
    *,
    procfile: Collection[str] | None = None,
    version: str = devboot.__version__,
) -> Manifest:
    """Parse a manifest; `file` is its name in messages.

    `procfile` are the process names of the Procfile. Without them, unknown names may still be the Procfile's. Raises
    Problems with all mistakes.
    """
    manifest, problems = read_manifest(text, file, procfile=procfile, version=version)
    if problems or manifest is None:
        raise problems_of(problems)
    return manifest


def read_manifest(
    text: str,
    file: str,
    *,
    procfile: Collection[str] | None = None,
    version: str = devboot.__version__,
) -> tuple[Manifest | None, list[DevbootError]]:
    """Parse a manifest like `parse_manifest`, but return errors instead of raising.

    With errors the manifest is None.
    """
    try:
        document = ManifestDocument(text, file)
    except ManifestError as error:
        return None, [error]
    return _examine(document, procfile, version)


def _examine(
    document: ManifestDocument, procfile: Collection[str] | None, version: str
) -> tuple[Manifest | None, list[DevbootError]]:
    complaints = Complaints(document, _TAGS, _homes(), _KINDS)
    if (newer := _too_new(document, complaints, version)) is not None:
        return None, [newer]  # other mistakes may be correct in that version
    misnamed = complaints.misnamed(Manifest)
    for written, meant, _ in misnamed:
        document.read_as(written, meant)  # else its own mistakes are hidden, and references to it look wrong
    manifest, problems = _typed(document, complaints)
    problems += [error for _, _, error in misnamed]
    names = Names(document, complaints, procfile)
    problems += names.problems()
    problems += References(document, complaints, names, complete=procfile is not None).problems()
    if procfile is not None:
        problems += _without_command(document, complaints, procfile)
    if not problems:
        problems += _with_nul(document, complaints, document.values, ())
    return (None if problems else manifest), problems


def _with_nul(document: Document, complaints: Complaints, value: object, path: Path) -> Iterator[DevbootError]:
    """Yield an error for each text in `value` with a NUL character, which no command, path or variable can contain."""
    if not path and not _NUL.search(document.text):
        return
    if isinstance(value, str) and "\0" in value:
        name = next(each for each in reversed(path) if isinstance(each, str))
        yield complaints.error("value", f"`{name}` must not hold a NUL character", path, label="no command or path can")
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in inner:
        yield from _with_nul(document, complaints, item, (*path, key))


def _typed(document: Document, complaints: Complaints) -> tuple[Manifest | None, list[DevbootError]]:
    try:
        return Manifest.model_validate(document.values, context=document), []
    except ValidationError as error:
        return None, complaints.of(error, Manifest)


def _homes() -> dict[str, str]:
    """Return the table to which each key of a single top-level table belongs, as `{"requirements": "python"}`."""
    homes: dict[str, str] = {}
    for name, field in Manifest.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, Table):
            homes |= {inner.alias or key: field.alias or name for key, inner in kind.model_fields.items()}
    return homes


def _too_new(document: Document, complaints: Complaints, version: str) -> DevbootError | None:
    project = document.values.get("project")
    wanted = project.get("requires-devboot") if isinstance(project, dict) else None
    if type(wanted) is not str:
        return None
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    try:
        fits = SpecifierSet(wanted).contains(version, prereleases=True)
    except InvalidSpecifier:
        return None
    if fits:
        return None
    what = f"the project needs devboot {wanted[:40]}, this is {version}"
    helps = ["`uv tool upgrade devboot`"]
    return complaints.error("too-new", what, ("project", "requires-devboot"), label=f"this is {version}", help=helps)


def _without_command(document: Document, complaints: Complaints, procfile: Collection[str]) -> Iterable[DevbootError]:
    for name, table in tables_of(document.values, "processes").items():
        path: Path = ("processes", name)
        if name not in procfile and "command" not in table:
            near = complaints.nearest(name, procfile)
            helps = [f"did you mean `{near}`?"] if near else []
            what = f"process `{printable(name)}` is not in the Procfile and has no `command`"
            label = "no such line in the Procfile"
            helps += ['or add `command = "…"`']
            yield complaints.error("unknown-name", what, path, key=True, label=label, help=helps)
    for kind in ("databases", "tasks"):
        for name in tables_of(document.values, kind):
            if name in procfile:
                what = f"`{printable(name)}` names {KINDS[kind]} and a process of the Procfile"
                yield complaints.error("duplicate-name", what, (kind, name), key=True, label="also in the Procfile")


class Sources(Record):
    """Manifest and Procfile of a project; `procfile` is None if there is none."""

    manifest: Manifest
    procfile: Procfile | None


def load_sources(path: str, *, root: str | None = None, prefix: str = "", is_lenient: bool = False) -> Sources:
    """Read the manifest at `path` and the Procfile in `root`; report mistakes of both in one run. Raises Problems.

    `root` is the manifest's folder by default; a detected manifest is stored elsewhere. `prefix` leads from the current
    folder to the root, for messages: "" or "../". `is_lenient` applies to the Procfile.
    """
    root = os.path.dirname(path) if root is None else root
    shown = shown_from(os.path.abspath(path), os.path.abspath(root))
    file = shown if os.path.isabs(shown) else prefix + shown
    try:
        document = ManifestDocument(_read(path, file), file)
    except ManifestError as error:
        raise problems_of([error]) from None
    table = document.values.get("procfile")
    named = table.get("path") if isinstance(table, dict) else None
    procfile: Procfile | None = None
    problems: tuple[DevbootError, ...] = ()
    names: tuple[str, ...] | None = None  # unknown if the Procfile can't be parsed
    try:
        procfile = load_procfile(root, named if type(named) is str else None, prefix=prefix, is_lenient=is_lenient)
        names = () if procfile is None else procfile.names
    except Problems as error:
        problems = error.errors
    manifest, found = _examine(document, names, devboot.__version__)
    if manifest is None or problems:
        raise problems_of([*found, *(_placed(problem, document) for problem in problems)])
    return Sources(manifest, procfile)


def _placed(problem: DevbootError, document: Document) -> DevbootError:
    if problem.slug == "procfile/not-found":
        problem.place = document.place(("procfile", "path"), label="no such file")
    return problem


def load_procfile(root: str, path: str | None, *, prefix: str = "", is_lenient: bool = False) -> Procfile | None:
    """Read the Procfile at `path`, or the first of the usual ones in `root`; None if there is none.

    With `is_lenient`, a usual one without any line but comments is ignored. The usual ones are the one
    named in `.overmind.env`, Procfile.dev and Procfile. Raises Problems: `procfile/…` for its mistakes,
    `procfile/not-found` if the manifest names a missing one.
    """
    for name in usual_procfiles(root) if path is None else (path,):
        try:
            data = read_bytes(os.path.join(root, name))
        except FileNotFoundError:
            continue
        except OSError as error:
            what = f"`{prefix}{name}` can't be read: {reason_of(error)}"
            place, helps = Place(prefix + name), (f"ls -ld {shell_word(prefix + name)}",)
            raise problems_of([ManifestError("procfile/unreadable", what, place=place, help=helps)]) from None
        try:
            return parse_procfile(data, prefix + name, is_lenient=is_lenient)
        except Problems as error:
            if not is_lenient or path is not None or error.slug != "procfile/empty":
                raise
    if path is None:
        return None
    what = f"there is no Procfile `{printable(path)}`"
    raise problems_of([ManifestError("procfile/not-found", what, help=("correct `path`, or remove it",))])


def usual_procfiles(root: str) -> tuple[str, ...]:
    """Return the paths, relative to `root`, where a Procfile is looked up; the first existing one counts."""
    return (*procfile_of(read_settings(root)), *PROCFILES)


def _read(path: str, file: str) -> str:
    try:
        return decode(read_bytes(path), file)
    except FileNotFoundError:
        if os.path.islink(path):
            what = f"`{file}` is a link to `{printable(os.readlink(path))}`, which isn't there"
            helps = (f"rm {shell_word(file)}", "`devboot init` writes a new one")
            raise ManifestError("manifest/unreadable", what, place=Place(file), help=helps) from None
        what = f"there is no `{file}`"
        raise ManifestError("manifest/not-found", what, help=("`devboot init` writes one",)) from None
    except OSError as error:
        what = f"`{file}` can't be read: {reason_of(error)}"
        listed = f"ls -ld {shell_word(file)}"
        raise ManifestError("manifest/unreadable", what, place=Place(file), help=[listed]) from None


def manifest_schema() -> dict[str, Any]:
    """Return the JSON Schema of devboot.toml for editors, as strict as a schema can express."""
    schema = Manifest.model_json_schema(by_alias=True)
    _close(schema)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": MANIFEST}


def _close(schema: Any) -> None:
    """Forbid, in a JSON Schema, keys that match no pattern; pydantic leaves that open."""
    if isinstance(schema, dict):
        if "patternProperties" in schema:
            schema["additionalProperties"] = False
        for inner in schema.values():
            _close(inner)
    elif isinstance(schema, list):
        for inner in schema:
            _close(inner)
