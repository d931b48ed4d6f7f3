"""Checks that git doesn't track files that must stay on this machine: secrets and databases."""

from __future__ import annotations

import os

from devboot.doctor.findings import WARNING, Answer, Check, Finding, Fix
from devboot.doctor.fixing import IGNORE
from devboot.doctor.subject import Subject
from devboot.environment.variables.envfiles import DEFAULT_FILES
from devboot.errors import shell_word
from devboot.files import dated_siblings
from devboot.git import unignored
from devboot.supervisor.last_success import head_of

_SETTINGS = ".overmind.env"  # settings of a tool, which are often committed


def ignored(subject: Subject) -> Answer:
    """Check that env files and databases are ignored by git unless it tracks them; report commit and branch."""
    root = subject.project.root
    head = head_of(root)
    lines = _own_files(subject)
    names = [name for name in lines if os.path.isfile(os.path.join(root, name))]
    found = unignored(names, root, subject.environ) if names else ()
    facts = (head,) if head else ("no commit yet",) if found else ("no repository",)
    first = {lines[name]: name for name in reversed(found)}  # one finding for all that a line ignores
    return Answer(facts, tuple(_unignored(subject, first[line], line) for line in reversed(first)), idle=not head)


def _own_files(subject: Subject) -> dict[str, str]:
    """Return the files that must stay on this machine, each with the line of .gitignore for it.

    Files that a repair or a person has kept under a dated name beside them are among them.
    """
    manifest, root = subject.manifest, subject.project.root
    files = manifest.env_files.read if manifest is not None else None
    names = [name for name in (DEFAULT_FILES if files is None else files) if name != _SETTINGS]
    names += [database.path for database in manifest.sqlite.values()] if manifest is not None else []
    inside = dict.fromkeys(os.path.normpath(name) for name in names if not os.path.isabs(name))
    lines = {name: f"/{name}" for name in inside if not name.startswith("..")}
    dated = ((name, path) for name in lines for path in dated_siblings(os.path.join(root, name)))
    return lines | {os.path.relpath(path, root): f"/{name}.[0-9]*" for name, path in dated}


def _unignored(subject: Subject, name: str, line: str) -> Finding:
    is_env = ".env" in os.path.basename(name)
    path = os.path.join(subject.project.root, ".gitignore")
    fix = Fix(
        f"echo {shell_word(line)} >> .gitignore",
        "adds a line to .gitignore",
        IGNORE,
        (path, line, subject.project.root),
    )
    if os.path.islink(path):
        command = f'echo {shell_word(line)} >> "$(git rev-parse --git-path info/exclude)"'
        fix = Fix(command, "git reads no .gitignore that is a link")
    return Finding(
        "git/not-ignored",
        WARNING,
        f"git doesn't ignore `{name}`",
        "the next `git add` of everything would commit " + ("its secrets" if is_env else "this machine's data"),
        fix,
    )


CHECKS = (Check("ignored", "git", ignored),)
