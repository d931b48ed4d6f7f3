"""The wrapper that runs devboot from a checkout, against small fakes of devboot and uv, and once for real."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.fakes.processes import wait_until
from tests.fakes.terminal import Terminal

pytestmark = pytest.mark.own_ports

REPOSITORY = Path(__file__).resolve().parents[2]
PYTHON = os.path.realpath(sys.executable)
TOOLS = ["cat", "chmod", "cmp", "cp", "id", "mkdir", "mv", "readlink", "rm", "sh", "sleep", "touch", "uname"]

FAKE_DEVBOOT = """
import os, sys

def main():
    print(["devboot", *sys.argv[1:]])
    if "called" in sys.argv:
        print(sys.argv[0], "DEVBOOTW" in os.environ)
    return 3
"""

FAKE_UV = """#!/bin/sh
echo "$1 $2" >>"$UV_LOG"
[ ! -e "$UV_LOG.fail" ] || exit 1
while [ -e "$UV_LOG.block" ]; do sleep 0.02; done
"""


@dataclass(frozen=True)
class Checkout:
    root: Path
    bin: Path
    log: Path  # a line for each call of uv

    @property
    def tool(self) -> Path:
        """Where devboot's dependencies are installed."""
        return self.bin / f".cache/devboot/checkouts{self.root}/.tool"

    @property
    def once(self) -> str:
        """What the first run says."""
        return (
            "devbootw: installing devboot's dependencies, only this once and for about half a minute, "
            f"into {self.tool}\n"
        )

    @property
    def environ(self) -> dict[str, str]:
        return {"PATH": str(self.bin), "UV_LOG": str(self.log), "HOME": str(self.bin)}

    def start(self, *arguments: str, program: Path | None = None, **changes: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [program or self.root / "devbootw", *arguments],
            cwd="/",
            env=self.environ | changes,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def run(self, *arguments: str, program: Path | None = None, **changes: str) -> tuple[int, str, str]:
        with self.start(*arguments, program=program, **changes) as process:
            out, err = process.communicate(timeout=60)
        return process.returncode, out, err

    def use(self, python: Path) -> None:
        """Make this the only interpreter on PATH."""
        (self.bin / "python3.11").unlink()
        (self.bin / "python3.11").symlink_to(python)

    def installs(self) -> int:
        return len(self.log.read_text().splitlines()) if self.log.exists() else 0


RAN = (3, "['devboot', 'up', '-d']\n", "")


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    root, programs = tmp_path / "a checkout", tmp_path / "programs"
    (root / "devboot").mkdir(parents=True)
    (root / "scripts").mkdir()
    programs.mkdir()
    for name in ["devbootw", "pyproject.toml", "scripts/launch.py"]:
        shutil.copy2(REPOSITORY / name, root / name)
    (root / "devboot" / "__init__.py").touch()
    (root / "devboot" / "__main__.py").write_text(FAKE_DEVBOOT)
    for tool in TOOLS:
        found = shutil.which(tool)
        assert found, tool
        (programs / tool).symlink_to(found)
    (programs / "python3.11").symlink_to(PYTHON)
    (programs / "uv").write_text(FAKE_UV)
    (programs / "uv").chmod(0o755)
    return Checkout(root, programs, tmp_path / "uv.log")


@contextmanager
def blocked(checkout: Checkout) -> Iterator[None]:
    """Meanwhile the fake uv doesn't end."""
    block = Path(f"{checkout.log}.block")
    block.touch()
    try:
        yield
    finally:
        block.unlink()


def test_the_first_run_installs_and_the_second_only_runs(checkout: Checkout) -> None:
    assert (3, RAN[1], checkout.once) == checkout.run("up", "-d")
    assert checkout.run("up", "-d") == RAN
    assert checkout.installs() == 1
    assert sorted(os.listdir(checkout.root)) == ["devboot", "devbootw", "pyproject.toml", "scripts"]


def test_the_directories_of_the_user_say_where_the_dependencies_go(checkout: Checkout, tmp_path: Path) -> None:
    below = f"checkouts{checkout.root}/.tool/bin/python"
    checkout.run(XDG_CACHE_HOME=str(tmp_path / "cache"))
    checkout.run(XDG_CACHE_HOME="relative", DEVBOOT_HOME=str(tmp_path / "own"))

    assert (tmp_path / "cache/devboot" / below).exists()
    assert (tmp_path / "own/cache" / below).exists()


def test_a_home_that_cannot_be_written_is_refused(checkout: Checkout) -> None:
    (checkout.bin / "file").touch()
    place = f"{checkout.bin}/file/.cache/devboot/checkouts{checkout.root}"
    code, out, err = checkout.run(HOME=str(checkout.bin / "file"))

    assert (code, out) == (6, "")
    assert err.endswith(f"error[tool/folder]: `{place}` can't be written\nhelp: export DEVBOOT_HOME=/a/path/of/yours\n")


def test_the_second_run_starts_nothing_but_python(checkout: Checkout) -> None:
    checkout.run()
    assert checkout.run("up", "-d", PATH="/nonexistent") == RAN


def test_it_runs_through_links_and_by_relative_paths(checkout: Checkout) -> None:
    checkout.run()
    relative, absolute = checkout.bin / "devbootw", checkout.bin / "elsewhere"
    relative.symlink_to("../a checkout/devbootw")
    absolute.symlink_to(relative)
    assert checkout.run("up", "-d", program=relative) == RAN
    assert checkout.run("up", "-d", program=absolute) == RAN
    for command, cwd in [("./devbootw", "."), ("sh devbootw", "."), ("../devbootw", "scripts"), ("devbootw", "/")]:
        done = subprocess.run(
            ["sh", "-c", f"{command} up -d"],
            cwd=checkout.root / cwd,
            env=checkout.environ,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stdout, done.stderr) == RAN


def test_an_edited_pyproject_installs_again_and_a_touched_one_does_not(checkout: Checkout) -> None:
    checkout.run()
    pyproject = checkout.root / "pyproject.toml"
    for moment in (1, time.time() + 1000):
        os.utime(pyproject, (moment, moment))
        assert checkout.run("up", "-d") == RAN
        assert checkout.run("up", "-d", PATH="/nonexistent") == RAN
    assert checkout.installs() == 1
    pyproject.write_text(pyproject.read_text() + "\n")
    assert (3, RAN[1], checkout.once) == checkout.run("up", "-d")
    assert checkout.installs() == 2


def test_a_moved_checkout_installs_again_and_two_checkouts_do_not_disturb_each_other(checkout: Checkout) -> None:
    checkout.run()
    shutil.copytree(checkout.root, moved := checkout.root.with_name("moved"))
    assert checkout.run("up", "-d", program=moved / "devbootw")[:2] == RAN[:2]
    assert checkout.installs() == 2
    assert checkout.run("up", "-d", program=moved / "devbootw") == RAN
    assert checkout.run("up", "-d") == RAN


def test_an_interpreter_that_went_away_is_replaced(checkout: Checkout) -> None:
    checkout.run()
    for link in (checkout.tool / "bin").glob("python*"):
        link.unlink()
        link.symlink_to("/nonexistent/python")
    assert (3, RAN[1], checkout.once) == checkout.run("up", "-d")


def test_another_python_than_before_makes_it_anew(checkout: Checkout) -> None:
    checkout.run()
    assert (3, RAN[1], checkout.once) == checkout.run("up", "-d", PYTHON=PYTHON)
    assert checkout.run("up", "-d", PYTHON=PYTHON) == RAN
    assert checkout.run("up", "-d") == RAN


@pytest.mark.faults(29, 33)
def test_killed_in_the_middle_it_starts_over(checkout: Checkout) -> None:
    with blocked(checkout), checkout.start() as process:
        wait_until(lambda: checkout.installs() == 1)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    assert (3, RAN[1], checkout.once) == checkout.run("up", "-d")
    assert checkout.installs() == 2


@pytest.mark.faults(20)
def test_two_at_once_install_once(checkout: Checkout) -> None:
    with checkout.start("up", "-d") as first, checkout.start("up", "-d") as second:
        results = [first.communicate(timeout=60), second.communicate(timeout=60)]
    waiting = f"devbootw: waiting for another one that installs into {checkout.tool}\n"
    assert {RAN[1]} == {out for out, _ in results}
    assert {err for _, err in results} <= {checkout.once, waiting, ""}
    assert checkout.installs() == 1


def test_a_waiting_one_says_what_it_waits_for(checkout: Checkout) -> None:
    with blocked(checkout), checkout.start() as first:
        wait_until(lambda: checkout.installs() == 1)
        second = checkout.start()
        assert second.stderr
        assert second.stderr.readline() == f"devbootw: waiting for another one that installs into {checkout.tool}\n"
        Path(f"{checkout.log}.block").rename(f"{checkout.log}.unblocked")
        first.communicate(timeout=60)
        second.communicate(timeout=60)
        Path(f"{checkout.log}.unblocked").rename(f"{checkout.log}.block")
    assert (first.returncode, second.returncode, checkout.installs()) == (3, 3, 1)


def test_an_install_that_fails_is_not_used_and_tried_again(checkout: Checkout, tmp_path: Path) -> None:
    checkout.use(python_without_pip(tmp_path / "bare"))
    fail = Path(f"{checkout.log}.fail")
    fail.touch()
    expected = checkout.once + (
        "error[tool/install]: the packages that devboot needs could not be installed\n"
        "cause: the lines above are from the installer\n"
        "help: check the connection, then run the same command again\n"
        "kept: nothing half done is used\n"
    )
    assert (4, "", expected) == checkout.run("up", "-d")
    fail.unlink()
    assert (3, RAN[1], checkout.once) == checkout.run("up", "-d")


def test_an_install_that_fails_because_nothing_can_be_written_blames_the_disk(
    checkout: Checkout, tmp_path: Path
) -> None:
    checkout.use(python_without_pip(tmp_path / "bare"))
    Path(f"{checkout.log}.fail").touch()
    limited = checkout.bin / "limited"
    limited.write_text(f"#!/bin/sh\nulimit -f 500\nexec '{checkout.root}/devbootw'\n")
    limited.chmod(0o755)

    code, _, said = checkout.run(program=limited)

    assert 6 == code
    assert said.removeprefix(checkout.once).splitlines() == [
        f"error[tool/disk-full]: the disk with `{checkout.tool.parent}` has no room for what devboot needs",
        "cause: File too large",
        "help: make room, then run the same command again",
        "kept: nothing half done is used",
    ]


def test_on_a_terminal_the_installer_shows_its_progress(checkout: Checkout) -> None:
    (checkout.bin / "uv").write_text('#!/bin/sh\necho "installer: $*" >&2\n')
    with closing(Terminal([str(checkout.root / "devbootw")], checkout.environ, "/")) as terminal:
        terminal.expect("installer: pip install --python")
        assert terminal.wait() == 3


def test_a_python_that_is_none_is_refused(checkout: Checkout) -> None:
    expected = (
        "error[tool/python]: `/nonexistent/python` is no Python of version 3.11 or newer\n"
        "cause: the variable PYTHON names it\n"
        "help: unset PYTHON\n"
    )
    assert (6, "", expected) == checkout.run(PYTHON="/nonexistent/python")


def help_line(packages: str) -> str:
    """What the wrapper advises on Debian; other systems have other words."""
    sudo = "" if os.geteuid() == 0 else "sudo "
    return f"help: {sudo}apt-get install {packages}\n"


on_debian = pytest.mark.skipif(not Path("/etc/debian_version").exists(), reason="the advice is Debian's")


@on_debian
def test_without_python_it_names_the_command_that_gets_it(checkout: Checkout) -> None:
    (checkout.bin / "python3.11").unlink()
    (checkout.bin / "uv").unlink()
    expected = (
        "error[tool/no-python]: no Python of version 3.11 or newer was found\n"
        "cause: looked for python3.13, python3.12, python3.11 and python3 on PATH\n"
    ) + help_line("python3 python3-venv")
    assert (6, "", expected) == checkout.run()


def python_without_pip(folder: Path) -> Path:
    """An interpreter as Debian ships it: no pip, no ensurepip."""
    library = Path(sysconfig.get_path("stdlib"))
    copy = folder / "lib" / library.name
    copy.mkdir(parents=True)
    (folder / "bin").mkdir()
    for entry in library.iterdir():
        if entry.name not in {"ensurepip", "site-packages", "dist-packages"}:
            (copy / entry.name).symlink_to(entry)
    python = folder / "bin" / library.name
    shutil.copy2(PYTHON, python)
    return python


@on_debian
def test_without_pip_and_uv_it_names_the_command_that_gets_them(checkout: Checkout, tmp_path: Path) -> None:
    python = python_without_pip(tmp_path / "bare")
    (checkout.bin / "uv").unlink()
    checkout.use(python)
    minor = python.name.removeprefix("python")
    expected = (
        checkout.once
        + (
            f"error[tool/no-pip]: Python {minor} has neither pip nor ensurepip, and uv isn't there\n"
            f"cause: {python} comes without them, as Debian's does\n"
        )
        + help_line(f"python{minor}-venv")
        + "help: or install uv\n"
    )
    assert (6, "", expected) == checkout.run()


NEEDS_PACKAGES = """
import sys

def main():
    assert "site" not in sys.modules
    import typer, uv
    print(sys.prefix == uv.find_uv_bin().removesuffix("/bin/uv"))
"""


@pytest.mark.network
@pytest.mark.parametrize("installer", ["uv", "pip", "a uv that fails, then pip"])
def test_the_packages_are_there_when_they_are_asked_for(checkout: Checkout, installer: str) -> None:
    said = checkout.once
    if "fails" in installer:
        Path(f"{checkout.log}.fail").touch()
        said += "devbootw: uv could not; trying with pip\n"
        (checkout.root / "pyproject.toml").write_text('[project]\ndependencies = ["typer", "uv"]\n')  # all: see pip
    else:
        (checkout.bin / "uv").unlink()
    if installer == "uv":
        uv = shutil.which("uv", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
        assert uv
        (checkout.bin / "uv").symlink_to(uv)
    (checkout.root / "devboot" / "__main__.py").write_text(NEEDS_PACKAGES)
    changes = {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "UV_", "SSL_"))}
    assert checkout.run(**changes) == (0, "True\n", said)


def test_the_wrapper_is_clean_posix_shell() -> None:
    shellcheck = shutil.which("shellcheck")
    if shellcheck is None:
        pytest.skip("shellcheck is not installed")
    done = subprocess.run(
        [shellcheck, REPOSITORY / "devbootw", REPOSITORY / ".ci" / "run"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "")


def test_devboot_learns_how_the_wrapper_was_called(checkout):
    assert checkout.run("called")[1].splitlines()[1] == f"{checkout.root}/devbootw False"
