"""Describes a clone that isn't an application, such as a library, and what can be done with it."""

from __future__ import annotations

import os
import re

from devboot.clone_reader import is_file, is_folder, names_in, parse_toml, read_text, table_in
from devboot.errors import shell_word
from devboot.files import list_names
from devboot.model.printable import printable
from devboot.record import Record

_LANGUAGES = {
    "Gemfile": "Ruby",
    "go.mod": "Go",
    "Cargo.toml": "Rust",
    "pom.xml": "Java",
    "build.gradle": "Java",
    "build.gradle.kts": "Kotlin",
    "composer.json": "PHP",
    "mix.exs": "Elixir",
    "package.json": "Node",
}
# Languages whose programs are built first, with the endings of their files
_BUILT = {
    "C++": (".cpp", ".cc", ".cxx"),
    "C": (".c",),
    "C#": (".cs", ".csproj", ".sln"),
    "Java": (".java",),
    "Kotlin": (".kt",),
    "Swift": (".swift",),
    "Arduino code": (".ino",),
}
_TEMPLATES = {"cookiecutter.json": "cookiecutter", "copier.yml": "copier copy", "copier.yaml": "copier copy"}
_DOCUMENTATION = {
    "mkdocs.yml": "mkdocs serve",
    "mkdocs.yaml": "mkdocs serve",
    "conf.py": "sphinx-build . _build",
    "docs/conf.py": "sphinx-build docs docs/_build",
    "docs/source/conf.py": "sphinx-build docs/source docs/_build",
}
# Kinds of clones without a program, with the file names that show them
_KINDS = {
    "notebooks": (".ipynb",),
    "SQL scripts": (".sql",),
    "texts": (".md", ".rst", ".txt", ".adoc", ".pdf", ".tex"),
    "data": (".csv", ".json", ".xml", ".tsv", ".xlsx", ".parquet", ".yml", ".yaml"),
}
_FROM = re.compile(r"^FROM[ \t]+(?:--\S+[ \t]+)*(\S+)", re.MULTILINE | re.IGNORECASE)
_TEST_FOLDERS = ("tests", "test")
# The package's name in setup.py or setup.cfg
_NAME = re.compile(r"^[^#\n]*?\bname[ \t]*=[ \t]*[\"']?([A-Za-z0-9][\w.-]*)", re.MULTILINE)
_SHOWN = 3
_WRITE = ["write the command to run into a file `Procfile`: `web: COMMAND`"]


class CloneKind(Record):
    """What a clone is, as a sentence, with advice; `title` is a short form if that is certain, else ""."""

    what: str
    helps: list[str]
    title: str = ""


def advice_without_manifest(folder: str) -> tuple[list[str], list[str]]:
    """Return causes and advice for `manifest/not-found`, based on the files in a folder."""
    found = kind_without_packages(folder)
    example = "`devboot init --example` writes a small project to start from"
    if list_names(folder):  # whose files may be in the way of those of the example
        example = "mkdir example && cd example && devboot init --example   # a small project to start from"
    return ([found.what] if found else [], (found.helps if found else []) or [example])


def template_kind(folder: str) -> CloneKind | None:
    """Describe a template from which projects are generated; None for other folders."""
    for name, program in _TEMPLATES.items():
        if is_file(os.path.join(folder, name)):
            target = " ." if program == "cookiecutter" else " . ../PROJECT"
            what = f"`{name}` shows that this is a template for projects; it runs nothing itself"
            return CloneKind(what, [f"`uvx {program}{target}`, then `devboot up` in the project that it makes"])
    return None


def kind_without_packages(folder: str) -> CloneKind | None:
    """Describe a folder without Python requirements; None if its files don't show what it is."""
    if (found := template_kind(folder)) is not None:
        return found
    for name, language in _LANGUAGES.items():
        if is_file(os.path.join(folder, name)):
            return CloneKind(f"`{name}` says that this is {language}, but nothing shows which command to run", _WRITE)
    return (
        _documentation(folder, "uvx --from {tool} ")
        or _applications_below(folder)
        or _to_be_built(folder)
        or _files_alone(folder)
        or _addition_to_image(folder)
    )


def kind_with_packages(folder: str) -> CloneKind:
    """Describe a clone with Python requirements but without a detected process."""
    if (found := template_kind(folder) or _applications_below(folder)) is not None:
        return found
    documentation = _documentation(folder, "devboot run -- ")
    if (library := _library(folder)) is not None:
        return library._replace(helps=[*library.helps, *(documentation.helps if documentation is not None else [])])
    return (
        documentation
        or _notebooks(folder)
        or _exercise(folder)
        or CloneKind("it may be a library or a program for the terminal", [])
    )


def _notebooks(folder: str) -> CloneKind | None:
    notebooks = sorted(names_in(folder, "*.ipynb"))
    if not notebooks:
        return None
    helps = ["devboot sync   # makes .venv, whose Python an editor runs them with"]
    return CloneKind(f"`{printable(notebooks[0])}` shows that these are notebooks", helps)


def _exercise(folder: str) -> CloneKind | None:
    """Describe a clone of functions that only tests call; None if it has no tests, or nothing to run them."""
    tests = _tests(folder)
    if not tests or not ("unittest" in tests[0] or "pytest" in _text(folder, "requirements.txt")):
        return None
    title = "this is code without a program: only its tests run it"
    return CloneKind("nothing in the clone starts its functions, except its tests", tests, title)


def _applications_below(folder: str) -> CloneKind | None:
    """Describe a folder whose subfolders look like applications; None for others."""
    inner = [name for name in list_names(folder) if _is_application(os.path.join(folder, name))][:_SHOWN]
    if not inner:
        return None
    shown = ", ".join(f"`{printable(name)}`" for name in inner)
    where = "in one of these folders" if len(inner) > 1 else "in this folder"
    helps = [f"devboot -C {shell_word(name)} up" for name in inner]
    return CloneKind(f"the application may be {where}: {shown}", helps)


def _library(folder: str) -> CloneKind | None:
    """Describe a library that other projects install; None if the clone builds no package."""
    project = _text(folder, "pyproject.toml")
    is_built = re.search(r"^\[build-system\]", project, re.MULTILINE) is not None
    if not is_built and not is_file(os.path.join(folder, "setup.py")):
        return None
    which = "pyproject.toml" if is_built else "setup.py"
    name = _name_in(project) or next(
        (match[1] for each in ("setup.cfg", "setup.py") if (match := _NAME.search(_text(folder, each)))), ""
    )
    named = f", the package `{printable(name)}`," if name else ","
    what = f"`{which}` shows that this is a library{named} which others install"
    helps = [*_tests(folder), "devboot init   # writes a devboot.toml, for servers that its tests need"]
    return CloneKind(what, helps, "this is a library without a long-running process")


def _tests(folder: str) -> list[str]:
    """Return the command that runs a clone's tests, in a list; empty without tests."""
    inner = next((path for name in _TEST_FOLDERS if is_folder(path := os.path.join(folder, name))), "")
    texts = [_text(inner, name) for name in names_in(inner, "*.py")] if inner else []
    if not inner:
        return []
    is_for_unittest = any("unittest" in text for text in texts) and not any("pytest" in text for text in texts)
    runner = "unittest discover" if is_for_unittest else "pytest"
    return [f"devboot run -- python -m {runner}   # runs its tests in its environment"]


def _name_in(project: str) -> str:
    try:
        found = parse_toml(project)
    except ValueError:
        return ""
    name = table_in(found, "project").get("name") or table_in(found, "tool", "poetry").get("name")
    return name if isinstance(name, str) else ""


def _text(folder: str, name: str) -> str:
    path = os.path.join(folder, name)
    return read_text(path) if is_file(path) else ""


def _documentation(folder: str, runner: str) -> CloneKind | None:
    for name, command in _DOCUMENTATION.items():
        path = os.path.join(folder, name)
        if is_file(path) and (not name.endswith("conf.py") or "extensions" in read_text(path) or _is_sphinx(path)):
            tool = "mkdocs" if command.startswith("mkdocs") else "sphinx"
            verb = "shows" if tool == "mkdocs" else "builds"
            helps = [f"{runner.format(tool=tool)}{command}   # {verb} it"]
            return CloneKind(f"`{name}` shows that this is documentation", helps)
    return None


def _is_sphinx(path: str) -> bool:
    return any(is_file(os.path.join(os.path.dirname(path), f"index.{ending}")) for ending in ("rst", "md"))


def _files_alone(folder: str) -> CloneKind | None:
    names = [name for name in list_names(folder) if not name.startswith(".") and name.upper() != "LICENSE"]
    endings = {os.path.splitext(name)[1].lower() for name in names if is_file(os.path.join(folder, name))}
    found = [kind for kind, known in _KINDS.items() if endings.intersection(known)]
    everything = {ending for kind in _KINDS.values() for ending in kind}
    if not found or not endings <= everything or any(is_folder(os.path.join(folder, name)) for name in names):
        return None
    first = min(name for name in names if name.lower().endswith(_KINDS[found[0]]))
    return CloneKind(f"the clone has only {' and '.join(found[:2])}, such as `{printable(first)}`", [])


def _addition_to_image(folder: str) -> CloneKind | None:
    """Describe a clone that only adds files to another project's container image."""
    path = os.path.join(folder, "Dockerfile")
    images = _FROM.findall(read_text(path)) if is_file(path) else []
    if not images or "/" not in images[-1]:
        return None
    return CloneKind(f"`Dockerfile` adds files to the image `{printable(images[-1])}`, whose program isn't here", [])


def _to_be_built(folder: str) -> CloneKind | None:
    """Describe a folder with code in a compiled language; None for others."""
    names = [name for name in list_names(folder) if is_file(os.path.join(folder, name))]
    for language, endings in _BUILT.items():
        if found := min((name for name in names if name.endswith(endings)), default=""):
            return CloneKind(f"`{printable(found)}` shows that this is {language}, which has to be built first", _WRITE)
    return None


def _is_application(folder: str) -> bool:
    lists = ("requirements.txt", "pyproject.toml", "Pipfile", "package.json", "manage.py", "Procfile")
    return not os.path.basename(folder).startswith(".") and any(is_file(os.path.join(folder, name)) for name in lists)
