"""`doctor --report`, `--read`: facts, findings and last log lines in one file that can be given to a maintainer.

The file is JSON. It contains no secrets, and home folders are shortened; a file to read is checked like any other
hostile input.
"""

from __future__ import annotations

import json
import os
import platform
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from time import localtime, strftime
from typing import Any

from devboot import snapshot as snapshots
from devboot.app.commands.doctor import examine
from devboot.app.context import Context
from devboot.clone_reader import read_text
from devboot.doctor.subject import Subject
from devboot.environment.variables.envfiles import read_env_files
from devboot.environment.variables.secrets import load_secrets
from devboot.errors import DevbootError, UsageError, reason_of, shell_word
from devboot.files import atomic_write
from devboot.model.process import plan_from_plain
from devboot.supervisor.last_failure import read_failures
from devboot.supervisor.last_success import machine_facts
from devboot.supervisor.output.log_reader import last_text_lines
from devboot.supervisor.output.log_writer import log_path
from devboot.text.masking import Masker

FORMAT = "devboot-report"
_VERSION = 1
_LINES = 20  # of a log
_LIMIT = 4 * 1024 * 1024  # bytes of a report
_HOME = re.compile(r"(?<![\w.])/(?:home|Users)/[^/\s:'\"`,;]+")
_SHOWN = frozenset({"TERM", "LANG", "LC_ALL", "COLUMNS", "LINES", "CI", "SHELL", "USER", "LOGNAME", "PYTHONIOENCODING"})
_PLAIN = re.compile(r"[a-z]{1,12}|[\d.:]+|true|false|https?://[\w.:-]+/?", re.IGNORECASE)  # values that are no secrets


def collect(context: Context, findings: Mapping[str, Any], *, mask: Callable[[str], str] = str) -> dict[str, Any]:
    """Return the content of the report; `findings` are those of `doctor --json`, `mask` replaces secrets in text."""
    subject = examine(context)
    text = Shortened(subject.home, mask, secret_values(subject))
    known = snapshots.read(os.path.join(subject.project.state, snapshots.NAME))
    plan = plan_from_plain(known.plan_plain) if known is not None else None
    made = {
        FORMAT: _VERSION,
        "devboot": subject.version,
        "at": strftime("%Y-%m-%d %H:%M %z", localtime(subject.now)),
        "machine": {**machine_facts(subject.project.root, subject.version), "python": platform.python_version()},
        "project": {
            "name": subject.name,
            "manifest": subject.project.manifest_name if subject.project.written else "",
            "processes": {spec.name: spec.command or " ".join(spec.argv) for spec in plan.processes} if plan else {},
            "variables": sorted({name for name, *_ in known.variables}) if known is not None else [],
        },
        "doctor": findings,
        "logs": dict(_logs(subject)),
    }
    shortened = text.everywhere(made)
    assert isinstance(shortened, dict)
    return shortened


def _logs(subject: Subject) -> Iterator[tuple[str, list[str]]]:
    """Yield (name, last log lines) of each process that failed."""
    for failure in read_failures(subject.project.state):
        if lines := last_text_lines(log_path(subject.project.state, failure.name), _LINES):
            yield failure.name, lines


def secret_values(subject: Subject) -> Iterator[str]:
    """Yield all values to mask in a report: of env files, of the environment, generated ones, declared ones."""
    project = subject.project
    known = snapshots.read(os.path.join(project.state, snapshots.NAME))
    values = [value for _, value, _, is_secret in known.variables if is_secret] if known is not None else []
    with suppress(DevbootError, OSError):
        values += load_secrets(project.data).values()
    yield from values
    names = subject.manifest.env_files.read if subject.manifest is not None else None
    others = [value for name, value in subject.environ.items() if name not in _SHOWN]
    with suppress(DevbootError, OSError):
        others += (each.value for each in read_env_files(project.root, names, subject.environ).variables)
    ordinary = {subject.name, "devboot", project.root}
    yield from (each for each in others if each not in ordinary and not _is_ordinary(each))


def _is_ordinary(value: str) -> bool:
    return value.startswith(("/", "~")) or _PLAIN.fullmatch(value) is not None


class Shortened:
    """Masks secrets in a text and shortens home folders; called with the text."""

    def __init__(self, home: str, mask: Callable[[str], str], values: Iterable[str]) -> None:
        self._homes = sorted({each for each in (home, os.path.realpath(home)) if len(each) > 1}, key=len, reverse=True)
        self._mask = mask
        self._secrets = Masker(values)

    def __call__(self, text: str) -> str:
        """Return the text with secrets masked, the home folder as `~`, and other users' as `~…`."""
        text = self._mask(self._secrets(text))
        for home in self._homes:
            text = re.sub(rf"(?<![\w.]){re.escape(home.rstrip('/'))}(?![\w.-])", "~", text)
        return _HOME.sub("~…", text)

    def everywhere(self, value: object) -> object:
        """Return a JSON value in which every text is masked and shortened."""
        if isinstance(value, str):
            return self(value)
        if isinstance(value, Mapping):
            return {self(str(name)): self.everywhere(each) for name, each in value.items()}
        return [self.everywhere(each) for each in value] if isinstance(value, (list, tuple)) else value


def write(path: str, report: Mapping[str, Any]) -> None:
    """Write a report to `path`, replacing only another report. Raises UsageError for any other file, MachineError."""
    folder = os.path.dirname(path)
    if not os.path.isdir(folder):
        raise UsageError(
            "usage/argument", f"there is no folder `{folder}` for the report", help=[f"mkdir -p {shell_word(folder)}"]
        )
    if os.path.lexists(path):
        read(path)
    atomic_write(path, json.dumps(report, indent=2, ensure_ascii=False) + "\n", mode=0o600)


def read(path: str) -> dict[str, Any]:
    """Read a report from a file. Raises UsageError `usage/no-report` for anything else."""
    try:
        found = json.loads(read_text(path, limit=_LIMIT), parse_constant=_refuse_constant)
    except OSError as error:
        raise _no_report(path, reason_of(error)) from error
    except (ValueError, RecursionError) as error:
        raise _no_report(path, "it isn't JSON") from error
    if not isinstance(found, dict) or FORMAT not in found:
        raise _no_report(path, f"it has no `{FORMAT}`")
    if found[FORMAT] != _VERSION:
        raise _no_report(path, "another version of devboot has written it")
    return found


def _refuse_constant(name: str) -> None:
    """Refuse `NaN` and `Infinity`, which Python reads although JSON has no such values. Raises ValueError."""
    raise ValueError(name)


def _no_report(path: str, why: str) -> UsageError:
    return UsageError(
        "usage/no-report",
        f"`{path}` is not a report of `devboot doctor`",
        causes=[why],
        help=[f"ls -l {shell_word(path)}", "`devboot doctor --report FILE` writes one"],
    )
