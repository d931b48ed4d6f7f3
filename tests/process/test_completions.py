"""Completion scripts in the shells that they are for."""

import os
import shutil
import subprocess
import sys

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


@pytest.fixture
def shell(tmp_path):
    """Run a script in a shell where `devboot` is this checkout's, in a project whose snapshot knows web and worker."""
    program = tmp_path / "bin" / "devboot"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nPYTHONPATH={ROOT} exec {sys.executable} -m devboot "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    project = tmp_path / "shop"
    project.mkdir()
    (project / "devboot.toml").write_text("", encoding="utf-8")
    (project / "Procfile").write_text("web: sleep 1\nworker: sleep 1\n", encoding="utf-8")
    kept = {name: os.environ[name] for name in ("DEVBOOT_TEST_MARK",) if name in os.environ}
    environ = kept | {"PATH": f"{program.parent}:{os.environ['PATH']}", "HOME": str(tmp_path), "TERM": "dumb"}
    environ |= {"DEVBOOT_HOME": str(tmp_path / "home")}

    def run(name, script):
        done = subprocess.run(
            [name, "-c", script], cwd=project, env=environ, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stderr
        assert done.stderr == ""
        return done.stdout

    subprocess.run([program, "-q", "sync"], cwd=project, env=environ, check=True, timeout=60)
    return run


WORDS = [
    ("res", "restart"),
    ("-q up --dr", "--dry-run"),
    ("restart w", "web worker"),
    ("help exit", "exit-codes"),
    ("completions f", "fish"),
]


@pytest.mark.parametrize(("typed", "offered"), WORDS)
def test_bash_completes(shell, typed, offered):
    words = ["devboot", *typed.split()]
    script = (
        "source <(devboot completions bash)\n"
        f"COMP_WORDS=({' '.join(words)}) COMP_CWORD={len(words) - 1}\n"
        '_devboot; echo "${COMPREPLY[@]}"'
    )
    assert shell("bash", script) == f"{offered}\n"


@pytest.mark.skipif(shutil.which("fish") is None, reason="fish is not here")
@pytest.mark.parametrize(("typed", "offered"), WORDS)
def test_fish_completes(shell, typed, offered):
    told = shell("fish", f"devboot completions fish | source; complete -C 'devboot {typed}'")
    assert {line.split("\t")[0] for line in told.splitlines()} == set(offered.split())


@pytest.mark.skipif(shutil.which("zsh") is None, reason="zsh is not here")
def test_zsh_can_read_the_script(shell):
    assert shell("zsh", "devboot completions zsh > script; zsh -n script") == ""
