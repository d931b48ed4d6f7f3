"""Root in somebody else's project."""

from __future__ import annotations

import os

import pytest

from devboot.environment.project_owner import DECIDING, is_foreign, is_refused, refuse_foreign, refuse_sudo, strangers
from devboot.errors import MachineError, TrustError

MINE = str(os.getuid() or 1000)


@pytest.fixture
def project(tmp_path):
    if os.getuid() == 0:
        os.chown(tmp_path, 1000, 1000)
    return str(tmp_path)


@pytest.mark.faults(113)
def test_sudo_in_a_project_of_ones_own_is_refused(project):
    with pytest.raises(MachineError) as caught:
        refuse_sudo(project, {"SUDO_UID": MINE}, 0)

    assert ("machine/root", 6) == (caught.value.slug, caught.value.exit_code)


@pytest.mark.faults(113)
@pytest.mark.parametrize(
    ("environ", "uid"),
    [
        ({}, 0),
        ({"SUDO_UID": "0"}, 0),
        ({"SUDO_UID": "4242"}, 0),
        ({"SUDO_UID": "nonsense"}, 0),
        ({"SUDO_UID": MINE, "DEVBOOT_ALLOW_ROOT": "1"}, 0),
        ({"SUDO_UID": MINE}, 1000),
    ],
)
def test_root_itself_is_not(project, environ, uid):
    refuse_sudo(project, environ, uid)


@pytest.mark.faults(113)
def test_a_project_of_another_user_is_foreign_to_root_alone(project):
    assert (True, False) == (is_foreign(project, 0), is_foreign(project, 1000))
    assert not is_foreign("/", 0)


@pytest.fixture
def foreign(tmp_path):
    """A project of user 4242 (or of this one, whom the tests then look at as another)."""
    root = tmp_path / "shared"
    inner = root / "mine"
    inner.mkdir(parents=True)
    (root / "devboot.toml").write_text("")
    (root / "Procfile").write_text("web: true\n")
    for path in (root, root / "devboot.toml", root / "Procfile"):
        path.chmod(0o755)
        if os.getuid() == 0:
            os.chown(path, 4242, 4242)
    return root


@pytest.mark.faults(64)
def test_a_project_of_another_user_is_told_also_to_root(foreign):
    owner = foreign.stat().st_uid
    names = [f"`{path}" for path in (foreign, foreign / "devboot.toml", foreign / "Procfile")]

    assert names == [text.partition("` is owned by ")[0] for text in strangers(str(foreign), {}, owner + 1)]
    assert names == [text.partition("` is owned by ")[0] for text in strangers(str(foreign), {}, 0)]
    assert strangers(str(foreign), {}, owner) == ()


@pytest.mark.faults(64)
def test_a_folder_that_everybody_may_write_to_is_told_to_who_doesnt_own_it(tmp_path):
    tmp_path.chmod(0o1777)
    owner = tmp_path.stat().st_uid
    text = f"everybody on this machine can write to `{tmp_path}`"

    assert strangers(str(tmp_path), {}, owner + 1)[-1] == text
    assert strangers(str(tmp_path), {}, owner) == ()


@pytest.mark.faults(64)
@pytest.mark.parametrize(("trusted", "is_told"), [("/elsewhere:{}", False), ("{}/..", True), ("{}*", True), ("", True)])
def test_an_exception_is_for_one_folder(trusted, is_told, tmp_path):
    tmp_path.chmod(0o1777)
    environ = {"DEVBOOT_TRUSTED": trusted.format(tmp_path)}

    assert is_told == bool(strangers(str(tmp_path), environ, tmp_path.stat().st_uid + 1))


@pytest.mark.faults(182)
def test_a_project_of_another_user_is_refused_below_it_and_not_in_it(foreign):
    owner = foreign.stat().st_uid
    for uid in (owner + 1, 0):
        with pytest.raises(TrustError) as caught:
            refuse_foreign(str(foreign), str(foreign / "mine"), {}, uid, "up")
        assert ("trust/foreign-above", 8) == (caught.value.slug, caught.value.exit_code)
        assert f"devboot -C {foreign} up   # if you trust user 4242" in caught.value.help or os.getuid() != 0
        refuse_foreign(str(foreign), str(foreign), {}, uid, "up")
        refuse_foreign(str(foreign), str(foreign / "mine"), {"DEVBOOT_TRUSTED": str(foreign)}, uid, "up")
    refuse_foreign(str(foreign), str(foreign / "mine"), {}, owner, "up")


@pytest.mark.faults(182)
@pytest.mark.skipif(os.getuid() != 0, reason="only root can give files away")
@pytest.mark.parametrize("name", DECIDING)
def test_each_file_that_decides_what_runs_counts(name, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / name).touch()
    refuse_foreign(str(tmp_path), str(tmp_path / "mine"), {}, 0, "up")
    os.chown(tmp_path / name, 4242, 4242)

    assert is_refused(str(tmp_path), str(tmp_path / "mine"), {}, 0)


@pytest.mark.faults(182)
@pytest.mark.skipif(os.getuid() != 0, reason="only root can give files away")
def test_the_owner_of_a_link_counts_as_much_as_that_of_its_target(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "target").touch()
    (tmp_path / "devboot.toml").symlink_to("target")
    os.chown(tmp_path / "devboot.toml", 4242, 4242, follow_symlinks=False)
    assert is_refused(str(tmp_path), str(tmp_path / "mine"), {}, 0)

    os.chown(tmp_path / "devboot.toml", 0, 0, follow_symlinks=False)
    os.chown(tmp_path / "target", 4242, 4242)
    assert is_refused(str(tmp_path), str(tmp_path / "mine"), {}, 0)


@pytest.mark.faults(182)
def test_who_called_sudo_is_nobody_else(foreign):
    caller = {"SUDO_UID": str(foreign.stat().st_uid)}

    assert not is_refused(str(foreign), str(foreign / "mine"), caller, 0)
    assert not is_refused("", str(foreign), {}, 0)
