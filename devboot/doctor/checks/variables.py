"""Checks of variables: lines of env-files without an effect, names that have no value, and names that nothing uses."""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Iterable, Iterator

from devboot.clone_reader import read_bytes
from devboot.doctor.findings import WARNING, Answer, Check, Finding, Fix
from devboot.doctor.subject import Subject
from devboot.environment.variables.envfiles import read_env_files
from devboot.errors import DevbootError, shell_word
from devboot.model.printable import counted

_TEMPLATE = ".env.example"
_MOST_FILES, _MOST_BYTES, _LARGEST = 1000, 4_000_000, 500_000  # of a clone whose text is searched
_NO_CODE = frozenset({"node_modules", "__pycache__", "dist", "build", "static", "media", "docs"})
_CODE = (
    ".py", ".cfg", ".ini", ".toml", ".yaml", ".yml", ".json", ".sh", ".js", ".mjs", ".cjs", ".ts", ".tsx", ".jsx",
    ".vue", ".html", ".mako", ".j2", "Procfile.dev",
)  # fmt: skip
# Read by programs and libraries, so that no file of the clone has to name them
_OF_PROGRAMS = (
    "PYTHON", "DJANGO_", "FLASK_", "QUART_", "UVICORN_", "GUNICORN_", "CELERY_", "STREAMLIT_", "UV_", "PIP_", "NODE_",
    "NPM_", "VITE_", "NEXT_", "PG", "MYSQL_", "POSTGRES_", "REDIS", "RABBITMQ_", "MINIO_", "AWS_", "GOOGLE_", "AZURE_",
    "OPENAI_", "SENTRY_", "OTEL_", "LOG", "HTTP", "SSL_", "NO_", "LC_", "DEVBOOT_", "OVERMIND_", "COMPOSE_",
)  # fmt: skip
_USUAL = frozenset({"PORT", "WEB_CONCURRENCY", "DEBUG", "ENV", "TZ", "LANG", "PATH", "EDITOR", "TERM", "HOST"})


def variables(subject: Subject) -> Answer:
    """Warn of lines in env-files that don't count; report variables without a value, and those that nothing uses."""
    manifest = subject.manifest if subject.manifest is not None else subject.as_detected()[0]
    if manifest is None:
        return Answer()
    root, environ = subject.project.root, subject.environ
    try:
        files = read_env_files(root, manifest.env_files.read, environ)
    except DevbootError:
        return Answer()  # `up` refuses, and is asked by another check
    findings = tuple(
        Finding(
            note.slug,
            WARNING,
            f"{file}:{note.line}: {note.text}",
            "the line has no effect",
            Fix(f"sed -n {note.line}p {shell_word(file)}", "shows the line"),
        )
        for file, note in files.notes
        if note.slug not in manifest.project.silence
    )
    own = {each.name for each in files.variables} | manifest.env.keys()
    lacking = [name for name in _names_in_template(subject) if name not in own | environ.keys()]
    unused = unnamed(root, own) if subject.probed is not None else []  # all files are read only on request
    facts = [f"{counted(len(lacking), 'variable')} of {_TEMPLATE} without a value"] if lacking else []
    facts += [f"{counted(len(unused), 'variable')} that no file of the project names (-v)"] if unused else []
    details = [f"only in {_TEMPLATE}: {', '.join(lacking)}"] if lacking else []
    details += [f"named nowhere: {', '.join(unused)}"] if unused else []
    return Answer(tuple(facts), findings, tuple(details))


def _names_in_template(subject: Subject) -> list[str]:
    try:
        found = read_env_files(subject.project.root, (_TEMPLATE,), subject.environ)
    except DevbootError:
        return []  # a template may have any form
    return list(dict.fromkeys(each.name for each in found.variables))


def unnamed(root: str, names: Iterable[str]) -> list[str]:
    """Return the variables that no file of the clone names, sorted; none if it is too large to be searched.

    A library of settings may read `APP_REDIS_URL` for a field `redis_url`: the part behind a prefix is enough.
    """
    wanted = sorted(name for name in names if not name.startswith(_OF_PROGRAMS) and name not in _USUAL)
    if not wanted:
        return []
    text = _text_of(root)
    return [] if text is None else [name for name in wanted if not any(part in text for part in _forms(name.lower()))]


def _forms(name: str) -> Iterator[bytes]:
    yield name.encode()
    rest = name.partition("_")[2]
    if rest:
        yield rest.encode()


def _text_of(root: str) -> bytes | None:
    """Return the text of the clone's files in lower case, without env-files; None if there is too much of it.

    A line of devboot.toml that sets a variable doesn't use it.
    """
    paths = list(itertools.islice(_files(root), _MOST_FILES + 1))
    parts, size = list[bytes](), 0
    for path in paths:
        try:
            data = read_bytes(path, limit=_LARGEST) if path else b""
        except OSError:
            continue
        size += len(data)
        if not path or len(paths) > _MOST_FILES or size > _MOST_BYTES:
            return None
        is_manifest = path == os.path.join(root, "devboot.toml")
        parts.append(re.sub(rb"(?m)^[A-Za-z_]\w*(?=[ \t]*=)", b"", data) if is_manifest else data)
    return b"\n".join(parts).lower()


def _files(root: str) -> Iterator[str]:
    """Yield the paths of files that may name variables; "" as the last if there are too many folders."""
    for number, (place, folders, names) in enumerate(os.walk(root)):
        folders[:] = sorted(each for each in folders if not each.startswith(".") and each not in _NO_CODE)
        if number >= _MOST_FILES:
            yield ""
            return
        if place != root and "pyvenv.cfg" in names:
            folders[:] = []
            continue
        yield from (os.path.join(place, name) for name in sorted(names) if name.endswith(_CODE) or "." not in name)


CHECKS = (Check("variables", "manifest", variables),)
