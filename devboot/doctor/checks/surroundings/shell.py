"""Checks of the shell that called devboot: completions of another version, and variables of another project."""

from __future__ import annotations

import os
import sys

from devboot.clone_reader import read_head
from devboot.doctor.findings import WARNING, Answer, Check, Finding, Fix
from devboot.doctor.subject import Subject, venv_folder
from devboot.errors import shell_word
from devboot.supervisor.system.process_tree import INSIDE

_HEAD = 512  # bytes that have the version
_MARK = "# Completion of devboot"
# Folders below the home folder, and the name of the script, as the help of `devboot completions` has them
_SCRIPTS = {
    "bash": ("XDG_DATA_HOME", ".local/share", "bash-completion/completions/devboot"),
    "zsh": ("", "", ".zfunc/_devboot"),
    "fish": ("XDG_CONFIG_HOME", ".config", "fish/completions/devboot.fish"),
}


def completions(subject: Subject) -> Answer:
    """Check that the installed shell completions were written by this version of devboot."""
    facts, findings = [], []
    for shell, (variable, usual, name) in _SCRIPTS.items():
        path = os.path.join(subject.environ.get(variable) or os.path.join(subject.home, usual), name)
        try:
            head = read_head(path, _HEAD).decode("utf-8", "replace") if subject.home else ""
        except OSError:
            continue
        if f"{_MARK} {subject.version} " in head:
            facts.append(f"completions for {shell}")
        elif _MARK in head:
            findings.append(_outdated(shell, path))
    return Answer(tuple(facts), tuple(findings))


def _outdated(shell: str, path: str) -> Finding:
    return Finding(
        "shell/completions",
        WARNING,
        f"the completions for {shell} are of another version of devboot",
        "they offer commands and flags that this version doesn't have, or lack new ones",
        Fix(f"devboot completions {shell} > {shell_word(path)}", "replaces them; new shells use it"),
        fact=f"completions for {shell} are outdated",
    )


def variables(subject: Subject) -> Answer:
    """Check that the shell has no variables that belong to another project."""
    root = os.path.realpath(subject.project.root)
    findings = []
    venv = subject.environ.get("VIRTUAL_ENV", "")
    own = {os.path.realpath(each) for each in (venv_folder(subject), sys.prefix)}  # its own, devboot's
    if venv and os.path.realpath(venv) not in own and (why := _why_foreign(venv)):
        findings.append(
            Finding(
                "shell/other-virtualenv",
                WARNING,
                f"the virtualenv of the shell is `{venv}`, {why}",
                "`python` and `pip` of this shell belong to it; `devboot run` uses the project's own",
                Fix("deactivate", "or open a new shell, if it has no such command"),
                fact="the shell has another project's virtualenv",
            )
        )
    inside = subject.environ.get(INSIDE, "")
    if inside and os.path.realpath(inside) != root:
        findings.append(
            Finding(
                "shell/other-project",
                WARNING,
                f"this shell was started by a process of `{inside}`",
                "it has that project's variables, which this one inherits",
                Fix(f"env -u {INSIDE} devboot doctor", "or open a new shell"),
                fact="the shell belongs to another project",
            )
        )
    return Answer(findings=tuple(findings))


def _why_foreign(venv: str) -> str:
    """Return why a virtualenv can't be meant here; "" for one that may be somebody's tool."""
    if not os.path.isdir(venv):
        return "which doesn't exist"
    from devboot.environment.venv.record import has_record

    return "which belongs to another project" if has_record(venv) else ""


CHECKS = (Check("completions", "shell", completions), Check("variables-of-the-shell", "shell", variables))
