"""A name that was mistyped is refused before anything is locked, fetched or built."""

from __future__ import annotations

import pytest

from tests.fakes.toyproject import ToyProject

pytestmark = pytest.mark.own_ports

MANIFEST = """
[services.toy]
[processes.web]
command = "sleep 100"
[tasks.migrate]
run = "true"
[tasks.assets]
run = "true"
before = ["processes"]
"""


@pytest.mark.faults(163)
@pytest.mark.parametrize(
    ("words", "advice"),
    [
        (["run", "migrat"], "did you mean `devboot run migrate`?"),
        (["run", "migrat", "--", "-v"], "did you mean `devboot run migrate`?"),
        (["up", "-d", "wbe"], "did you mean `web`?"),
        (["up", "-d", "web", "tyo"], "did you mean `toy`?"),
        (["up", "-d", "-x", "asets"], "did you mean `assets`?"),
        (["up", "-d", "--port", "tyo=auto"], "did you mean `toy`?"),
        (["up", "-d", "-m", "wbe=2"], "did you mean `web`?"),
        (["export", "systemd", "out", "-x", "wbe"], "did you mean `web`?"),
        (["scale", "wbe=2"], "web"),
        (["lock", "--update", "tyo"], "toy"),
        (["start", "wbe"], "is not running"),
        (["restart", "wbe"], "is not running"),
        (["attach", "wbe"], "is not running"),
    ],
    ids=lambda words: " ".join(words) if isinstance(words, list) else "",
)
def test_a_mistyped_name_is_refused_before_anything_is_done(tmp_path, words, advice):
    project = ToyProject(tmp_path, manifest=MANIFEST)

    done = project.devboot(*words, code=None)

    assert done.returncode not in (0, 70), done.stderr
    assert advice in done.stdout + done.stderr
    assert not (project.root / "devboot.lock").exists()
    assert not (project.root / ".venv").exists()
    assert not list(project.store.glob("*toy*"))


@pytest.mark.parametrize("words", [["up", "-d", "toy*"], ["up", "-d", "web", "-x", "toy"], ["up", "-d", "assets"]])
def test_every_name_of_the_plan_is_known_beforehand(tmp_path, words):
    project = ToyProject(tmp_path, manifest=MANIFEST)

    done = project.devboot(*words, "--locked", code=None)

    assert "no process matches" not in done.stderr
