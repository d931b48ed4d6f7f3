"""The other runners: how each is told what to run, and how it is started in a project's folder."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import installing
from workshop import PYTHON

Commands = Mapping[str, str]


class Peer(NamedTuple):
    """One runner. `argv` writes what configuration it needs into the folder and says what to execute there."""

    name: str
    find: Callable[[], str]  # the program; raises UnmeasurableError
    argv: Callable[[str, Path, Commands], list[str]]
    terminal: bool = False  # has to be started on one
    prefixed: bool = True  # shows what the processes write, with their names
    grace: bool = False  # the grace time of STOP_GRACE was configured, not its own default
    gives_terminals: bool = False


STOP_GRACE = 2  # seconds


def _procfile(*words: str) -> Callable[[str, Path, Commands], list[str]]:
    return lambda program, _folder, _commands: [program, *words]


def _supervisor(program: str, folder: Path, commands: Commands) -> list[str]:
    sections = ["[supervisord]\nnodaemon=true\nlogfile=/dev/null\nlogfile_maxbytes=0\n"]
    sections += [
        f"[program:{name}]\ncommand=/bin/sh {_script(folder, name, command)}\n"
        f"stopwaitsecs={STOP_GRACE}\nautorestart=true\n"
        f"stdout_logfile={folder}/{name}.log\nredirect_stderr=true\n"
        for name, command in commands.items()
    ]
    (folder / "supervisord.conf").write_text("\n".join(sections))
    return [program, "-n", "-c", "supervisord.conf"]


def _circus(program: str, folder: Path, commands: Commands) -> list[str]:
    endpoints = "".join(f"{name} = ipc://{folder}/{name}\n" for name in ("endpoint", "pubsub_endpoint"))
    sections = [f"[circus]\n{endpoints}"]
    sections += [
        f"[watcher:{name}]\ncmd = /bin/sh {_script(folder, name, command)}\ngraceful_timeout = {STOP_GRACE}\n"
        "copy_env = True\n"
        for name, command in commands.items()
    ]
    (folder / "circus.ini").write_text("\n".join(sections))
    return [program, "--log-level", "error", "circus.ini"]


def _pm2(program: str, folder: Path, commands: Commands) -> list[str]:
    apps = [
        {
            "name": name,
            "script": "/bin/sh",
            "args": [_script(folder, name, command)],
            "interpreter": "none",
            "kill_timeout": STOP_GRACE * 1000,
        }
        for name, command in commands.items()
    ]
    (folder / "ecosystem.json").write_text(json.dumps({"apps": apps}))
    return [program, "ecosystem.json"]


def _concurrently(program: str, _folder: Path, commands: Commands) -> list[str]:
    return [program, "--names", ",".join(commands), *commands.values()]


def _mprocs(program: str, folder: Path, commands: Commands) -> list[str]:
    procs = {name: {"shell": command} for name, command in commands.items()}
    (folder / "mprocs.yaml").write_text(json.dumps({"procs": procs}))  # JSON is YAML
    return [program]


def _process_compose(program: str, folder: Path, commands: Commands) -> list[str]:
    found = {
        name: {"command": command, "shutdown": {"timeout_seconds": STOP_GRACE}} for name, command in commands.items()
    }
    (folder / "process-compose.yaml").write_text(json.dumps({"version": "0.5", "processes": found}))
    return [program, "up", "-t=false"]


def _script(folder: Path, name: str, command: str) -> str:
    """For those that split commands themselves, and not as a shell does."""
    path = folder / f"{name}.sh"
    path.write_text(command + "\n")
    return str(path)


def _floor(*words: str) -> Callable[[str, Path, Commands], list[str]]:
    script = str(Path(__file__).parent / "floors.py")
    return lambda program, _folder, _commands: [program, "-S", script, "Procfile", *words]


FLOOR = Peer("floor-py", lambda: PYTHON, _floor(), prefixed=False)
FLOOR_TERMINALS = Peer("floor-py", lambda: PYTHON, _floor("--terminals"), prefixed=False, gives_terminals=True)
PEERS = (
    Peer("honcho", installing.from_pypi("honcho"), _procfile("start")),
    Peer("foreman (ruby)", installing.from_debian("ruby-foreman", "foreman"), _procfile("start")),
    Peer("foreman (node)", installing.from_npm("foreman", "nf"), _procfile("start")),
    Peer(
        "overmind",
        installing.on_path("overmind"),
        _procfile("start", "-t", str(STOP_GRACE)),
        gives_terminals=True,
        grace=True,
    ),
    Peer(
        "hivemind", installing.on_path("hivemind"), _procfile("-T", str(STOP_GRACE)), gives_terminals=True, grace=True
    ),
    Peer("process-compose", installing.on_path("process-compose"), _process_compose, grace=True),
    Peer("concurrently", installing.from_npm("concurrently"), _concurrently),
    Peer("mprocs", installing.from_npm("mprocs"), _mprocs, terminal=True, prefixed=False, gives_terminals=True),
    Peer("supervisor", installing.from_pypi("supervisor", "supervisord"), _supervisor, prefixed=False, grace=True),
    Peer("circus", installing.from_pypi("circus", "circusd"), _circus, prefixed=False, grace=True),
    Peer("pm2", installing.from_npm("pm2", "pm2-runtime"), _pm2, grace=True),
)
NAMES = tuple(peer.name for peer in PEERS)

assert sys.platform == "linux", "the benchmarks read /proc"
