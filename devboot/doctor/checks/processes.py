"""Checks of the daemon and its processes, and of processes left by earlier runs."""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from time import localtime, strftime
from typing import Any

from devboot import snapshot as snapshots
from devboot.daemon import leases
from devboot.daemon.client import NoAnswerError, connect, lease_of
from devboot.daemon.leases import DaemonLease
from devboot.daemon.old_code import old_code
from devboot.daemon.search import find_run
from devboot.doctor.findings import ERROR, WARNING, Answer, Check, Finding, Fix
from devboot.doctor.fixing import RESUME_DAEMON
from devboot.doctor.subject import Subject, venv_folder
from devboot.errors import shell_word
from devboot.model.edge.manifest.manifest import Manifest
from devboot.model.printable import counted
from devboot.model.process import (
    BACKOFF,
    EXITED,
    FAILED,
    GAVE_UP,
    READY,
    RUNNING,
    STARTING,
    TASK,
    UNREADY,
    UNTIL_COMPLETED,
    UNTIL_SUCCEEDED,
    plan_from_plain,
)
from devboot.state.project import Project
from devboot.supervisor.core.planning import base_of
from devboot.supervisor.explain.import_errors import complaint, last_raised
from devboot.supervisor.last_failure import PREPARATION, LastFailure, read_failures
from devboot.supervisor.output.log_reader import last_text_lines
from devboot.text.columns import printable

_HEALTHY = (READY, RUNNING, EXITED)
_ALIVE = (STARTING, RUNNING, READY, UNREADY)
_SEARCH_SECONDS = 3.0  # for finding edited code
_PAGE_SECONDS = 2.0
_SERVER_ERROR = 500
WEB = "web"
_RECENT = 300.0  # seconds for which a crash counts, although the process runs again
_LOG_LINES = 100  # that are searched for the reason of a crash
_START_SECONDS = 60.0  # a start may take this long; `up` itself waits no longer
_ENDED = ("process/ended", ERROR, "has exited and won't be restarted")
_CRASHED = ("process/exited", WARNING, "crashed and was started again")
# Found by other checks as long as it is there
_CHECKED_NOW = frozenset(
    {"sqlite/damaged", "sqlite/locked", "sqlite/no-migrations", "port/in-use", "env/missing", "machine/leads-outside"}
)
_ILL = {
    EXITED: ("process/task-failed", ERROR, "failed"),
    STARTING: ("process/not-ready", WARNING, "has been starting for more than a minute and is not ready"),
    BACKOFF: ("process/exited", ERROR, "crashed; devboot will start it again"),
    GAVE_UP: ("process/crash-loop", ERROR, "kept crashing; devboot has stopped restarting it"),
    FAILED: ("process/spawn", ERROR, "could not be started"),
    UNREADY: ("process/not-ready", WARNING, "runs, but its probe fails"),
}


def find_lease(project: Project, environ: Mapping[str, str]) -> DaemonLease | None:
    """Return the daemon's lease, rebuilt from its processes if its files were deleted; None if there is none."""
    lease = lease_of(project.state, project.root, environ, project.data)
    return lease or find_run(project.root, environ, project.state, project.data)


def daemon(subject: Subject) -> Answer:
    """Check that the daemon is alive and accepts requests."""
    lease = subject.lease()
    if lease is None or not lease.is_alive:
        return _not_running(leases.sudden_end(subject.project.state))
    if lease.is_frozen:
        finding = Finding(
            "daemon/no-answer",
            ERROR,
            f"the background process (pid {lease.pid}) is paused and answers no request",
            "`ps`, `logs` and `down` can't reach it; a debugger or SIGSTOP has paused it",
            Fix(f"kill -CONT {lease.pid}", "lets it continue", RESUME_DAEMON, (str(lease.pid), lease.started)),
        )
        return Answer(findings=(finding,))
    if not lease.socket:
        finding = Finding(
            "daemon/files-deleted",
            WARNING,
            f"the files by which commands find the background process (pid {lease.pid}) were deleted",
            "until they exist again, each command searches all processes for it; no second one is started",
            Fix("devboot ps", "lets the background process write them again"),
        )
        return Answer((f"running (pid {lease.pid})",), findings=(finding,))
    facts = [f"running (pid {lease.pid})"]
    if lease.version != subject.version:
        facts.append(f"by devboot {lease.version}")
    return Answer(tuple(facts))


def _not_running(ended: leases.SuddenEnd | None) -> Answer:
    if ended is None:
        return Answer(("not running",), idle=True)
    if ended.has_rebooted:
        return Answer((f"not running: {ended.describe()}",), idle=True)
    finding = Finding(
        "daemon/gone",
        WARNING,
        f"the project is not running: {ended.describe()}",
        "what it ran was ended; a server that had no time to save has lost what it held in memory",
        Fix("devboot up -d", "starts everything again"),
        ("`journalctl -k | grep -i oom` says whether memory ran out",) if not ended.trace else (ended.trace,),
        fact="the daemon was killed" if not ended.trace else "the daemon failed",
    )
    return Answer(findings=(finding,))


def failed_before(subject: Subject) -> Answer:
    """Report tasks and processes that failed at the last start, if the project isn't running.

    A failure from before a change of the project is a fact, no problem: only a start can tell whether it is there yet.
    """
    lease = subject.lease()
    known = snapshots.read(os.path.join(subject.project.state, snapshots.NAME))
    if known is None or (lease is not None and lease.is_alive):
        return Answer()
    names = {spec.name for spec in plan_from_plain(known.plan_plain).processes}
    failed = tuple(each for each in read_failures(subject.project.state) if each.name in names)
    if failed and not snapshots.is_fresh(known, subject.project.root, subject.environ):
        return Answer(tuple(f"{each.name} failed at the last start, changed since" for each in failed), idle=True)
    return Answer(findings=tuple(map(_failed_before, failed)))


def prepared(subject: Subject) -> Answer:
    """Report that the last `up` or `sync` failed before any process started.

    If the files have since been restored to their state at the last success, the failure isn't reported: the next `up`
    has nothing to prepare. A failure that doctor's other checks look at, or from before an edit of manifest or
    Procfile, is a fact, no problem.
    """
    known = snapshots.read(os.path.join(subject.project.state, snapshots.NAME))
    if known is not None and snapshots.is_fresh(known, subject.project.root, subject.environ):
        return Answer()
    failed = next((each for each in read_failures(subject.project.state) if each.name == PREPARATION), None)
    if failed is None:
        return Answer()
    if failed.slug in _CHECKED_NOW or _edited_at(subject) > failed.at:
        return Answer(("the last preparation failed, changed since",), idle=True)
    return Answer(findings=(_failed_to_prepare(failed),))


def _edited_at(subject: Subject) -> float:
    """Return when the manifest or the Procfile was last edited, in wall-clock seconds; 0 without them."""
    procfile = os.path.basename(subject.procfile.file) if subject.procfile is not None else ""
    paths = [path for path in (subject.project.manifest, procfile) if path]
    times = [
        os.stat(path).st_mtime
        for path in (os.path.join(subject.project.root, each) for each in paths)
        if os.path.isfile(path)
    ]
    return max(times, default=0.0)


def _failed_to_prepare(failure: LastFailure) -> Finding:
    return Finding(
        failure.slug,
        ERROR,
        failure.what,
        f"this was the last attempt to prepare the project, {strftime('%Y-%m-%d %H:%M', localtime(failure.at))}",
        Fix("devboot up -d", "tries again, with more output"),
        fact="the last preparation failed",
    )


def _failed_before(failure: LastFailure) -> Finding:
    return Finding(
        failure.slug,
        ERROR,
        failure.what,
        f"this happened at the last start, {strftime('%Y-%m-%d %H:%M', localtime(failure.at))}",
        Fix(f"devboot logs {shell_word(failure.name)}", "after a fix `devboot up -d`"),
        fact=f"{failure.name} failed at the last start",
    )


def phases(subject: Subject) -> Answer:
    """Check the phases of the running processes, as the daemon reports them."""
    lease = subject.lease()
    if lease is None or not lease.is_alive or lease.is_frozen or not lease.socket:
        return Answer()
    statuses = _statuses(lease)
    if statuses is None:
        return Answer(findings=(_no_answer(lease),))
    return judged(statuses, subject.now, meant_to_end(subject.manifest))


def meant_to_end(manifest: Manifest | None) -> frozenset[str]:
    """Return the names of processes whose exit is normal: `restart = "never"`, a schedule, or others wait for it."""
    if manifest is None:
        return frozenset()
    found = {name for name, each in manifest.processes.items() if each.restart == "never" or each.schedule}
    needed = (each for table in (manifest.processes, manifest.tasks) for each in table.values())
    ends = (UNTIL_SUCCEEDED, UNTIL_COMPLETED)
    return frozenset(found | {one.name for each in needed for one in each.depends_on or () if one.until in ends})


def judged(statuses: Sequence[Mapping[str, Any]], now: float, meant_to_end: Collection[str] = frozenset()) -> Answer:
    """Return facts and findings about processes, given as rows of `ps --json`; `now` is wall-clock seconds."""
    ill = {status["name"]: trouble for status in statuses if (trouble := _trouble(status, now, meant_to_end))}
    ready = sum(status["phase"] in _HEALTHY and status["name"] not in ill for status in statuses)
    findings = tuple(_ill(status, *ill[status["name"]]) for status in statuses if status["name"] in ill)
    return Answer((f"{ready} ready",), findings, tuple(f"{one['name']} {one['phase']}" for one in statuses))


def _trouble(status: Mapping[str, Any], now: float, meant_to_end: Collection[str]) -> tuple[str, str, str] | None:
    """Return slug, severity and predicate (`kept crashing`) of what is wrong with a process; None if nothing is."""
    phase, is_task = status["phase"], status.get("kind") == TASK
    if phase == EXITED and not is_task:
        return None if base_of(status["name"]) in meant_to_end else _ENDED
    if phase == EXITED:
        return _ILL[EXITED] if _has_failed(status) else None
    if phase == STARTING:
        started = str(status.get("started") or "")
        if started and now - datetime.fromisoformat(started).timestamp() > _START_SECONDS:
            return _ILL[STARTING]
    elif phase in _ILL:
        return _ILL[phase]
    return _CRASHED if _has_crashed(status, now) else None


def _has_failed(status: Mapping[str, Any]) -> bool:
    last = status.get("last_exit") or {}
    return bool(last.get("code") or last.get("signal"))


def _has_crashed(status: Mapping[str, Any], now: float) -> bool:
    """Return whether a process runs again after a crash a short while ago."""
    if not status.get("restarts") or not _has_failed(status):
        return False
    return now - datetime.fromisoformat(status["last_exit"]["at"]).timestamp() < _RECENT


def first_pages(subject: Subject) -> Answer:
    """Request `/` of each running web process, unless the manifest has a `ready` probe for it, and report failures."""
    lease = subject.lease()
    if lease is None or not lease.is_alive or lease.is_frozen or not lease.socket:
        return Answer()
    said = subject.manifest.processes if subject.manifest is not None else {}
    if WEB in said and said[WEB].ready is not None:
        return Answer()
    web = [
        each for each in _statuses(lease) or () if base_of(each["name"]) == WEB and each["phase"] in (READY, RUNNING)
    ]
    is_detected = not subject.project.written
    return Answer(findings=tuple(finding for each in web for finding in of_page(each, is_detected=is_detected)))


def of_page(status: Mapping[str, Any], *, is_detected: bool) -> Iterator[Finding]:
    """Yield findings about the first page of a process, given as its row of `ps --json`."""
    name, port = status["name"], status["port"]
    fix = Fix(f"devboot logs {name}", "after a fix `devboot up -d`")
    if not status["address"] or not port:
        if is_detected:
            yield Finding("process/no-port", WARNING, f"{name} listens on no port", "no page of it can be opened", fix)
        return
    import http.client

    connection = http.client.HTTPConnection("localhost", port, timeout=_PAGE_SECONDS)
    try:
        connection.request("GET", "/")
        answer = connection.getresponse()
    except (OSError, http.client.HTTPException):
        return  # not HTTP, or slow
    finally:
        connection.close()
    if answer.status >= _SERVER_ERROR:
        what = f"{name} answers {answer.status} {answer.reason}".rstrip()
        why = _complaint(status["log"], is_alive=True) if status.get("log") else ""
        yield Finding("process/error-page", ERROR, what, "visitors see an error", fix, (why,) if why else ())


def _statuses(lease: DaemonLease) -> list[dict[str, Any]] | None:
    """Return the daemon's rows of `ps --json`; None if it doesn't answer."""
    answer = bytearray()
    client = connect(lease)
    if client is None:
        return None
    try:
        client.ask({"command": "ps", "names": [], "view": {"json": True}})
        client.welcome()
        client.copy(lambda number, data: answer.extend(data if number == 1 else b""))
        return list(json.loads(answer)["processes"])
    except (NoAnswerError, ValueError, KeyError):
        return None
    finally:
        client.close()


def _no_answer(lease: DaemonLease) -> Finding:
    return Finding(
        "daemon/no-answer",
        ERROR,
        f"the background process (pid {lease.pid}) does not answer",
        "`ps`, `logs` and `restart` can't be carried out",
        Fix("devboot down", "ends it and what it runs", "down"),
    )


def _ill(status: Mapping[str, Any], slug: str, severity: str, what: str) -> Finding:
    name = status["name"]
    why = _complaint(status["log"], is_alive=status["phase"] in _ALIVE) if status.get("log") else ""
    return Finding(
        slug,
        severity,
        f"{name} {what}",
        "whatever depends on it does not work",
        Fix(f"devboot logs {name}", "after a fix `devboot up -d`"),
        tuple(filter(None, (status.get("note"), why))),
    )


def _complaint(log: str, *, is_alive: bool) -> str:
    """Return the line of a log that says why a process crashed; "" if there is none.

    Of a process that is alive only the exception of a traceback is taken: other lines are output of its current run.
    """
    lines = last_text_lines(log, _LOG_LINES)
    return printable(last_raised(lines) if is_alive else complaint(lines))


def files(subject: Subject) -> Answer:
    """Check that the virtualenv and data folders of running processes haven't been deleted or replaced."""
    lease = lease_of(subject.project.state, subject.project.root, subject.environ)
    if lease is None or not lease.is_alive or lease.is_frozen:
        return Answer()
    known = snapshots.read(os.path.join(subject.project.state, snapshots.NAME))
    if known is None:
        return Answer()
    folder = venv_folder(subject)
    had_venv = any(path.startswith(folder + os.sep) and kind != snapshots.ABSENT[0] for path, kind, _ in known.stamps)
    found = [_venv_gone(subject, folder)] if had_venv and not os.path.lexists(folder) else []
    alive = {each["name"] for each in _statuses(lease) or () if each["pid"]}
    data = {spec.name: spec.data for spec in plan_from_plain(known.plan_plain).processes if spec.name in alive}
    found += [_data_gone(name, path) for name, path in data.items() if path and not os.path.isdir(path)]
    return Answer(findings=tuple(found))


def _venv_gone(subject: Subject, folder: str) -> Finding:
    shown = os.path.relpath(folder, subject.project.root)
    return Finding(
        "process/files-gone",
        ERROR,
        f"`{shown}` was deleted while the project runs",
        "running processes fail at their next import",
        Fix("devboot up -d", "creates it again; then `devboot restart '*'`"),
        fact=f"{shown} was deleted while processes use it",
    )


def _data_gone(name: str, folder: str) -> Finding:
    return Finding(
        "process/files-gone",
        ERROR,
        f"the data directory of {name} was deleted while it runs",
        "it can't save any more; what it holds in memory is lost with its next stop",
        Fix(
            f"mkdir -m 700 -p {shell_word(folder)}",
            "then save what it holds to a file elsewhere, as by `redis-cli --rdb FILE` or `pg_dump`; only after that "
            f"`devboot restart {shell_word(name)}`: it starts empty, so load the file again",
        ),
        (folder,),
    )


def code(subject: Subject) -> Answer:
    """Check that running processes have loaded the code as it is now."""
    lease = subject.lease()
    known = snapshots.read(os.path.join(subject.project.state, snapshots.NAME))
    if known is None or lease is None or not lease.is_alive:
        return Answer()
    specs = plan_from_plain(known.plan_plain).processes
    found = old_code(subject.project.root, subject.project.state, specs, limit=_SEARCH_SECONDS)
    written = subject.project.written
    return Answer(
        findings=tuple(of_old_code(name, each.file, is_written=written) for each in found for name in each.names)
    )


def of_old_code(name: str, file: str, *, is_written: bool) -> Finding:
    """Return the finding on a process that was started before `file` was edited; `is_written` as in `Project`."""
    first = "" if is_written else "`devboot init` first: "
    return Finding(
        "process/old-code",
        WARNING,
        f"{name} was started before `{file}` was edited",
        "it still runs the code that it loaded at its start",
        Fix(
            f"devboot restart {shell_word(name)}",
            f'{first}`watch = ["**/*.py"]` in `[processes.{base_of(name)}]` restarts it after each edit',
        ),
        fact=f"{name} has old code",
    )


def left_behind(subject: Subject) -> Answer:
    """Report processes that an earlier run has left alive."""
    lease = subject.lease()
    if lease is not None and lease.is_alive:
        return Answer()
    left = leases.orphans_of(subject.project.state, known=lease)
    if not left:
        return Answer()
    names = ", ".join(f"{name} (pid {seen.pid})" for seen, name in left)
    finding = Finding(
        "process/left-behind",
        WARNING,
        f"{counted(len(left), 'process')} of an earlier run did not end",
        "they hold ports and files that the next start needs",
        Fix("devboot down", "ends them", "down"),
        (names,),
    )
    return Answer(findings=(finding,))


CHECKS = (
    Check("daemon", "processes", daemon),
    Check("phases", "processes", phases),
    Check("files", "processes", files),
    Check("first-pages", "processes", first_pages),
    Check("prepared", "processes", prepared),
    Check("failed-before", "processes", failed_before),
    Check("code", "processes", code),
    Check("left-behind", "processes", left_behind),
)
