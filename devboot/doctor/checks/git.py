"""Checks that git doesn't track files that must stay on this machine: secrets and databases."""

from __future__ import annotations

import os

from devboot.doctor.findings import WARNING, Answer, Check, Finding, Fix
from devboot.doctor.fixing import IGNORE
from devboot.doctor.subject import Subject
from devboot.environment.variables.envfiles import DEFAULT_FILES
from devboot.errors import shell_word
from devboot.git import unignored
from devboot.supervisor.last_success import head_of

_SETTINGS = ".overmind.env"  # settings of a tool, which are often committed


def ignored(subject: Subject) -> Answer:
    """Check that env files and databases are ignored by git unless it tracks them; report commit and branch."""
    root = subject.project.root
    head = head_of(root)
    names = [name for name in _own_files(subject) if os.path.isfile(os.path.join(root, name))]
    found = unignored(names, root, subject.environ) if names else ()
    facts = (head,) if head else ("no commit yet",) if found else ("no repository",)
    return Answer(facts, tuple(_unignored(subject, name) for name in found), idle=not head)


def _own_files(subject: Subject) -> list[str]:
    manifest = subject.manifest
    files = manifest.env_files.read if manifest is not None else None
    names = [name for name in (DEFAULT_FILES if files is None else files) if name != _SETTINGS]
    names += [database.path for database in manifest.sqlite.values()] if manifest is not None else []
    inside = (os.path.normpath(name) for name in names if not os.path.isabs(name))
    return [name for name in dict.fromkeys(inside) if not name.startswith("..")]


def _unignored(subject: Subject, name: str) -> Finding:
    is_env = ".env" in os.path.basename(name)
    line = f"/{name}"
    return Finding(
        "git/not-ignored",
        WARNING,
        f"git doesn't ignore `{name}`",
        "the next `git add` of everything would commit " + ("its secrets" if is_env else "this machine's data"),
        Fix(
            f"echo {shell_word(line)} >> .gitignore",
            "adds a line to .gitignore",
            IGNORE,
            (os.path.join(subject.project.root, ".gitignore"), line, subject.project.root),
        ),
    )


CHECKS = (Check("ignored", "git", ignored),)
