"""Answers `devboot` without a command: the state of this project, and the commands that are useful now."""

from __future__ import annotations

import os

from devboot.cli.help import brief
from devboot.cli.session import Session
from devboot.daemon import leases
from devboot.daemon.leases import DaemonLease
from devboot.errors import Exit
from devboot.state.project import Project, find_project
from devboot.text.columns import printable
from devboot.text.invocation import as_called
from devboot.text.units import duration


def welcome(session: Session) -> int:
    """Print the state of the project and the commands that are useful now; return the exit code."""
    project = find_project(session.context.cwd, session.context.environ)
    lease = leases.read_daemon(leases.daemon_path(project.state))
    running = lease if lease is not None and lease.is_alive else None
    session.out(as_called(brief(printable(state_line(project, running, session.context.wall_clock())))))
    return Exit.OK


def state_line(project: Project, running: DaemonLease | None, now: float) -> str:
    """Return a line with the project's name and whether it runs; `now` is wall-clock seconds."""
    name = os.path.basename(project.root) or project.root
    if running is not None:
        return f"{running.project} is up (pid {running.pid}), for {duration(max(0.0, now - float(running.since)))}"
    if project.manifest:
        return f"{name} is not running ({project.manifest_name})"
    return "no devboot.toml here. `devboot up` works without one; `devboot init` writes one"
