"""The record inside a virtualenv, and the decisions that are made from it."""

import os
import sys

import pytest

from devboot.environment.venv.condition import (
    ABSENT,
    ADOPT,
    BROKEN,
    CREATE,
    FOREIGN,
    KEEP,
    OURS,
    REBUILD,
    UNUSABLE,
    Condition,
    Decision,
    WantedPython,
    decide,
    examine,
)
from devboot.environment.venv.record import NAME, VenvRecord, is_current, parse_record, render_record, stamp
from devboot.errors import MachineError

RECORD = VenvRecord(True, "/p/.venv", "/usr/bin/python3.12", "3.12.4", "1.2.3", "sha256:1", "4.5.6", False, {"a": "1"})


def test_a_record_is_read_back_as_it_was_written():
    assert RECORD == parse_record(render_record(RECORD))


@pytest.mark.parametrize("cut", range(0, len(render_record(RECORD)), 7))
@pytest.mark.faults(33)
def test_a_record_that_was_cut_off_is_none(cut):
    assert parse_record(render_record(RECORD)[:cut]) is None


def make_venv(path, record=None, version="3.12.4", activate=None):
    site = path / "lib" / "python3.12" / "site-packages"
    site.mkdir(parents=True)
    (path / "bin").mkdir()
    os.symlink(sys.executable, path / "bin" / "python")
    (path / "pyvenv.cfg").write_text(f"home = /usr/bin\nversion_info = {version}\n")
    if activate:
        (path / "bin" / "activate").write_text(f'VIRTUAL_ENV="{activate}"\nexport VIRTUAL_ENV\n')
    if record:
        (path / NAME).write_text(render_record(record))


def own_record(path, **changes):
    facts = {
        "is_complete": True,
        "location": os.path.realpath(path),
        "python": sys.executable,
        "version": "3.12.4",
        "base": stamp(sys.executable),
        "wanted": "sha256:1",
        "site": "",
    }
    return VenvRecord(**{**facts, **changes})


def test_a_virtualenv_is_current_until_anything_of_it_is_touched(tmp_path):
    venv = tmp_path / ".venv"
    make_venv(venv)
    site = venv / "lib" / "python3.12" / "site-packages"
    (venv / NAME).write_text(render_record(own_record(venv, site=stamp(str(site)))))

    assert is_current(str(venv), "sha256:1")
    assert not is_current(str(venv), "sha256:2")
    (site / "more").mkdir()
    assert not is_current(str(venv), "sha256:1")


@pytest.mark.faults(33, 104, 105, 106)
@pytest.mark.parametrize(
    ("arrange", "state", "reason"),
    [
        (lambda venv: None, ABSENT, ""),
        (lambda venv: venv.mkdir(), ABSENT, ""),
        (lambda venv: make_venv(venv, own_record(venv)), OURS, ""),
        (lambda venv: make_venv(venv, own_record(venv, is_complete=False)), BROKEN, "interrupted"),
        (lambda venv: make_venv(venv, own_record(venv, location="/elsewhere/.venv")), BROKEN, "project moved"),
        (make_venv, FOREIGN, ""),
        (lambda venv: make_venv(venv, activate=str(venv)), FOREIGN, ""),
        (lambda venv: make_venv(venv, activate="/elsewhere/.venv"), BROKEN, "project moved"),
        (lambda venv: venv.write_text("x"), UNUSABLE, "it is a file"),
        (lambda venv: venv.symlink_to("/elsewhere"), UNUSABLE, "it is a link to `/elsewhere`"),
        (lambda venv: (venv / "src").mkdir(parents=True), UNUSABLE, "it is a folder without a virtualenv in it"),
    ],
)
def test_the_condition_of_what_is_there_is_seen(tmp_path, arrange, state, reason):
    venv = tmp_path / ".venv"
    arrange(venv)

    found = examine(str(venv))

    assert (state, reason) == (found.state, found.reason)


def _set_python(venv, mode):
    """Replace the virtualenv's Python, which is a link, by a file with this mode."""
    python = venv / "bin" / "python"
    python.unlink()
    python.write_text("#!/bin/sh\n")
    python.chmod(mode)


@pytest.mark.faults(104)
@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda venv: (venv / "pyvenv.cfg").unlink(), "its pyvenv.cfg can't be read"),
        (lambda venv: (venv / "pyvenv.cfg").write_bytes(b"\xff\x00"), "its pyvenv.cfg can't be read"),
        (lambda venv: (venv / "bin" / "python").unlink(), "its Python is gone"),
        (lambda venv: _set_python(venv, 0o644), "its Python isn't executable"),
        (lambda venv: (venv / NAME).write_text("devboot-venv 1\n"), "its record is damaged"),
    ],
)
def test_a_broken_virtualenv_is_seen(tmp_path, damage, reason):
    venv = tmp_path / ".venv"
    make_venv(venv, own_record(venv))
    damage(venv)

    assert (BROKEN, reason) == (examine(str(venv)).state, examine(str(venv)).reason)


def decided(state, reason="", version="3.12.4", wanted="3.12", admitted=True, forced=False, only=""):
    record = VenvRecord(True, ".venv", "/usr/bin/python3.12", version) if state == OURS else None
    condition = Condition(state, reason, version, record)
    return decide(condition, ".venv", wanted=WantedPython(wanted, only), is_admitted=admitted, is_forced=forced)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"state": ABSENT}, Decision(CREATE)),
        ({"state": OURS}, Decision(KEEP)),
        (
            {"state": OURS, "wanted": "3.13"},
            Decision(REBUILD, "rebuilding .venv for python 3.13 (it had 3.12.4)", old_is_sound=True),
        ),
        ({"state": OURS, "only": "/usr/bin/python3.12"}, Decision(KEEP)),
        (
            {"state": OURS, "only": "/store/python/bin/python3.12"},
            Decision(REBUILD, "rebuilding .venv with the python of `[packages]`", old_is_sound=True),
        ),
        (
            {"state": BROKEN, "reason": "interrupted"},
            Decision(REBUILD, "rebuilding .venv (interrupted)", old_is_sound=False),
        ),
        (
            {"state": BROKEN, "reason": "project moved"},
            Decision(REBUILD, "project moved, rebuilding .venv", old_is_sound=False),
        ),
        (
            {"state": BROKEN, "reason": "its Python is gone"},
            Decision(REBUILD, "rebuilding .venv: its Python is gone", old_is_sound=False, keeps_old=False),
        ),
        (
            {"state": FOREIGN},
            Decision(ADOPT, "using the .venv that is there (python 3.12.4); nothing in it is removed"),
        ),
        ({"state": FOREIGN, "forced": True}, Decision(REBUILD, "moving the old .venv aside", old_is_sound=True)),
        ({"state": UNUSABLE, "forced": True}, Decision(REBUILD, "moving the old .venv aside", old_is_sound=True)),
    ],
)
def test_what_is_done_follows_from_the_condition(arguments, expected):
    assert expected == decided(**arguments)


@pytest.mark.faults(106)
@pytest.mark.parametrize(
    ("arguments", "cause"),
    [
        ({"state": UNUSABLE, "reason": "it is a file"}, "it is a file"),
        ({"state": FOREIGN, "wanted": "3.13"}, "it has python 3.12.4, this project needs 3.13"),
    ],
)
def test_what_is_not_ours_is_left_alone(arguments, cause):
    with pytest.raises(MachineError) as caught:
        decided(**arguments)

    error = caught.value
    assert (
        "python/foreign-venv",
        "`.venv` is in the way of the virtualenv, and devboot didn't create it",
        (cause,),
    ) == (
        error.slug,
        error.what,
        error.causes,
    )
    assert (".venv was not touched",) == error.kept
