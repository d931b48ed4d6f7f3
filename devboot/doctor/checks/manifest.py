"""Checks of devboot.toml, the Procfile, env files and required variables."""

from __future__ import annotations

import os
import re
import shlex
import shutil
from collections.abc import Iterator

from devboot import snapshot as snapshots
from devboot.clone_reader import read_bytes
from devboot.doctor.checks import variables
from devboot.doctor.findings import ERROR, WARNING, Answer, Check, Finding, Fix
from devboot.doctor.fixing import COPY_TEMPLATE
from devboot.doctor.refusals import fix_of, refused
from devboot.doctor.subject import Subject, venv_folder
from devboot.errors import DevbootError, Problems, shell_word
from devboot.model.edge.manifest.manifest import Manifest
from devboot.model.printable import counted
from devboot.model.project_files.other_runners import read_otherwise
from devboot.model.project_files.procfile import Procfile

_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=")
_LINE = re.compile(r":(\d+) is ignored")
_OF_SHELL = re.compile(r"[$`(){};|&<>*?!\n]")
_BRING_NOTHING = frozenset({"project", "databases", "env", "env_files", "procfile", "processes", "ui"})  # to PATH
_BUILT_IN = frozenset(
    {
        *(".", ":", "[", "alias", "break", "case", "cd", "command", "continue", "echo", "eval", "exit", "export"),
        *("false", "for", "getopts", "hash", "if", "kill", "printf", "pwd", "read", "return", "set", "shift", "source"),
        *("test", "time", "times", "trap", "true", "type", "ulimit", "umask", "unset", "until", "wait", "while"),
    }
)


def manifest(subject: Subject) -> Answer:
    """Check that the manifest can be read; report the number of its tables."""
    if subject.manifest_problem is not None:
        problem = subject.manifest_problem
        errors = problem.errors if isinstance(problem, Problems) else (problem,)
        return Answer(findings=tuple(_finding(error, len(errors)) for error in errors))
    if subject.manifest is None:
        nothing = subject.why_nothing()
        if nothing is not None:
            return Answer(findings=(_nothing(nothing),))
        return Answer(
            ("no devboot.toml; `devboot up` will detect what the project needs, `devboot init` writes it down",),
            idle=True,
        )
    tables = len(subject.manifest.model_fields_set)
    return Answer((f"{subject.project.manifest_name}, {counted(tables, 'table')}",))


def procfile(subject: Subject) -> Answer:
    """Report the processes of the Procfile and what other runners read differently; warn of ignored lines."""
    found = subject.procfile if subject.manifest is not None else subject.as_detected()[1]
    if found is None:
        return Answer()
    ignored = tuple(
        Finding(
            "procfile/bad-line",
            WARNING,
            text,
            "what it should start doesn't run",
            Fix(f"sed -n {_LINE.findall(text)[0]}p {shell_word(found.file)}", "shows the line"),
        )
        for text in found.left_out
    )
    facts = [f"{found.file} with {counted(len(found.names), 'process')}"]
    try:
        otherwise = tuple(read_otherwise(read_bytes(os.path.join(subject.project.root, found.file)), found))
    except OSError:
        otherwise = ()
    facts += [f"{counted(len(otherwise), 'line')} that other runners read differently (-v)"] if otherwise else []
    return Answer(tuple(facts), ignored, otherwise)


def commands(subject: Subject) -> Answer:
    """Check that the programs of all processes exist; before the first preparation, unless that installs them."""
    known = snapshots.read(os.path.join(subject.project.state, snapshots.NAME))
    if known is None:
        manifest, procfile = subject.as_detected()
        if manifest is None or not manifest.model_fields_set <= _BRING_NOTHING:
            return Answer()
        return _lacking(subject, manifest, procfile, subject.environ.get("PATH", os.defpath))
    has_venv = any(name == "VIRTUAL_ENV" for _, name, _ in known.patch)
    if has_venv and not _is_whole(venv_folder(subject)):
        return Answer()  # another check finds that
    path = snapshots.apply(known.patch, subject.environ).get("PATH", os.defpath)
    return _lacking(subject, subject.manifest, subject.procfile, path)


def _is_whole(venv: str) -> bool:
    from devboot.environment.venv.condition import FOREIGN, OURS, examine

    return examine(venv).state in (OURS, FOREIGN)


def _lacking(subject: Subject, manifest: Manifest | None, procfile: Procfile | None, path: str) -> Answer:
    findings = []
    for name, command, folder in _commands(manifest, procfile):
        word = program_of(command)
        place = os.path.join(subject.project.root, folder)
        found = os.path.join(place, word) if "/" in word else shutil.which(word, path=path)
        if word and (found is None or not os.path.exists(found)):
            findings.append(_no_program(name, word))
    return Answer(findings=tuple(findings))


def _commands(manifest: Manifest | None, procfile: Procfile | None) -> Iterator[tuple[str, str, str]]:
    """Yield (name, command, working folder) of each process, except lines that a service replaces."""
    tables = {} if manifest is None else manifest.processes
    services = {} if manifest is None else manifest.services
    for line in procfile.lines if procfile is not None else ():
        if line.name not in services:
            yield line.name, line.command, tables[line.name].cwd if line.name in tables else "."
    for name, table in tables.items():
        if table.command is not None:
            yield name, table.command, table.cwd


def words_of(command: str) -> list[str]:
    """Return the words of a command from its program on, without assignments and `exec`; none if it can't be split."""
    try:
        words = shlex.split(command)
    except ValueError:
        return []
    while words and (words[0] == "exec" or _ASSIGNMENT.match(words[0])):
        words = words[1:]
    return words


def program_of(command: str) -> str:
    """Return the program that a command starts; "" if unclear, or if it is built into the shell."""
    first = next(iter(words_of(command)), "")
    return "" if first in _BUILT_IN or _OF_SHELL.search(first) or first.startswith(("-", "~")) else first


def _no_program(name: str, word: str) -> Finding:
    search = shell_word(f"command -v {shell_word(word)}")
    fix = Fix(f"devboot run -- sh -c {search}", "finds it once its package is installed, or the name is right")
    if "/" in word:
        fix = Fix(f"ls -l {shell_word(word)}", "paths are relative to the folder of the process")
    return Finding(
        "process/no-program",
        WARNING,
        f"there is no program `{word}`, which {name} starts",
        "the process ends at once with exit code 127",
        fix,
        fact=f"`{word}` is not found",
    )


def _nothing(error: DevbootError) -> Finding:
    advice = next(iter(error.help), "devboot init --example")
    command, _, cost = advice.removeprefix("`").partition("`") if advice.startswith("`") else (advice, "", "")
    return Finding(
        error.slug,
        WARNING,
        error.what,
        "`devboot up` has nothing to start here",
        Fix(command, cost.strip()),
        error.causes,
        fact="nothing that looks like an application",
    )


def _finding(error: DevbootError, count: int) -> Finding:
    place = error.place
    where = f"{place.file}:{place.line}:{place.column}" if place and place.line else place.file if place else ""
    advice = next(iter(error.help), "")
    return Finding(
        error.slug,
        ERROR,
        error.what,
        "nothing can be started until the mistakes are corrected",
        Fix("devboot sync --check", "shows the lines and what is expected"),
        tuple(line for line in (where, advice) if line),
        fact=counted(count, "problem"),
    )


def _repair(subject: Subject, error: DevbootError, _name: str) -> Fix | None:
    """Return the fix for a missing env file that has a template in the clone: copy the template."""
    words = fix_of(error).command.split()
    if error.slug != "env/missing" or words[:1] != ["cp"] or len(words) != 3:
        return None
    root = subject.project.root
    paths = (os.path.join(root, words[1]), os.path.join(root, words[2]))
    cost = f"copies the template; values that it leaves empty are yours to set in {words[2]}"
    return Fix(" ".join(words), cost, COPY_TEMPLATE, (*paths, root))


CHECKS = (
    Check("manifest", "manifest", manifest),
    Check("procfile", "manifest", procfile),
    Check("commands", "manifest", commands),
    *variables.CHECKS,
    refused("manifest", _repair),
)
