"""Every command of the README, run as it stands there."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from devboot.provision.objects.tree import remove_tree
from tests.fakes.console import commands, missing, typed

REPOSITORY = Path(__file__).resolve().parents[2]
README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
SYSTEM = ("PIP_", "SSL_", "UV_INDEX", "UV_DEFAULT_INDEX", "UV_FIND_LINKS", "LANG", "LC_")
BLOCKS = re.findall(r"```console\n(.*?)```", README, flags=re.DOTALL)
COMMANDS = [(re.sub(r"\s+#.*", "", command), lines) for block in BLOCKS for command, lines in commands(block)]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """An empty HOME: who types the README has in it what the commands before have installed."""
    folder = tmp_path_factory.mktemp("r")  # short, as sockets need
    yield folder
    remove_tree(str(folder))


@pytest.fixture(scope="module")
def clone(home: Path) -> Path:
    """This repository without what git ignores, in a folder of its own."""
    root = home / "clone"
    tracked = subprocess.run(
        ["git", "ls-files", "-coz", "--exclude-standard"], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    for name in filter(None, tracked.stdout.split("\0")):
        if (REPOSITORY / name).is_file():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(REPOSITORY / name, root / name)
    return root


@pytest.fixture(scope="module")
def machine(home: Path, clone: Path) -> dict[str, str]:
    """Its environment: `devboot` is this checkout's, and a run of the tests only collects them."""
    programs = home / "programs"
    programs.mkdir()
    (programs / "devboot").symlink_to(clone / "devbootw")
    uv = shutil.which("uv", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    assert uv
    (programs / "uv").symlink_to(uv)
    (programs / "python3").symlink_to(os.path.realpath(sys.executable))
    kept = {name: value for name, value in os.environ.items() if name.startswith(SYSTEM)}
    return kept | {
        "HOME": str(home),
        "XDG_RUNTIME_DIR": str(home),  # `down --all` ends all of which there are sockets
        "PATH": f"{programs}:{home}/.local/bin:/usr/bin:/bin",
        "PYTEST_ADDOPTS": "--collect-only -q -p no:cacheprovider --ignore tests/unit --ignore tests/process",
    }


@pytest.fixture
def environ(machine: dict[str, str], clone: Path) -> Iterator[dict[str, str]]:
    """The same, for one command; what it has started is ended afterwards."""
    yield machine
    subprocess.run([clone / "devbootw", "down", "--all"], cwd=clone, env=machine, check=False)


@pytest.mark.network
@pytest.mark.timeout(600)
@pytest.mark.parametrize(("command", "lines"), COMMANDS, ids=[command for command, _ in COMMANDS])
def test_the_command_works_as_written(command: str, lines: list[str], clone: Path, environ: dict[str, str]) -> None:
    cwd = clone / "examples" / "feedreader" if command.startswith("devboot ") else clone
    if lines:
        return prints(command, lines, cwd, environ)
    if command.endswith(" up"):
        return runs_until_stopped(command, cwd, environ)
    done = subprocess.run(
        shlex.split(command),
        cwd=cwd,
        env=environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return None


def prints(command: str, lines: list[str], cwd: Path, environ: dict[str, str]) -> None:
    """A command whose output the README shows."""
    code, printed = typed(command, environ | {"TERM": "xterm", "LANG": "C.UTF-8"}, cwd)
    assert (code, missing(lines, printed)) == (0, []), printed


def runs_until_stopped(command: str, cwd: Path, environ: dict[str, str]) -> None:
    """A foreground `up`, ended by Ctrl-C once its site answers."""
    with subprocess.Popen(
        shlex.split(command), cwd=cwd, env=environ, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stderr
        seen = []
        for line in process.stderr:
            seen.append(line)
            if re.search(r"\bup\b.*\bok\b.*http://", line):
                process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) == 130, "".join(seen)


def test_links_and_pictures_point_to_files_that_are_there() -> None:
    targets = re.findall(r"\]\((?!https?:)([^)#]+)\)", README)
    assert [target for target in targets if not (REPOSITORY / target).exists()] == []


def test_the_manifest_of_the_readme_has_five_lines() -> None:
    manifest = re.search(r"```toml\n(.*?)```", README, flags=re.DOTALL)
    assert manifest
    assert len(manifest[1].splitlines()) == 5
