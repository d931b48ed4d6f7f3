"""Root in somebody else's project."""

from __future__ import annotations

import os

import pytest

from devboot.environment.root import is_foreign, refuse_sudo, strangers
from devboot.errors import MachineError

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


@pytest.mark.faults(64)
def test_a_project_of_another_user_is_told_to_who_isnt_root(tmp_path):
    manifest = tmp_path / "devboot.toml"
    manifest.write_text("")
    for path in (tmp_path, manifest):
        path.chmod(0o755)
        if os.getuid() == 0:
            os.chown(path, 4242, 4242)
    owner = manifest.stat().st_uid
    found = strangers(str(tmp_path), str(manifest), {}, owner + 1)

    assert [text.partition("` belongs to ")[0] for text in found] == [f"`{tmp_path}", f"`{manifest}"]
    assert strangers(str(tmp_path), str(manifest), {}, owner) == ()
    assert strangers(str(tmp_path), str(manifest), {}, 0) == ()


@pytest.mark.faults(64)
def test_a_manifest_where_everybody_may_write_is_told_to_who_doesnt_own_the_folder(tmp_path):
    tmp_path.chmod(0o1777)
    owner = tmp_path.stat().st_uid
    text = f"everybody on this machine can write to `{tmp_path}`"

    assert strangers(str(tmp_path), "", {}, owner + 1)[-1] == text
    assert strangers(str(tmp_path), "", {}, owner) == ()


@pytest.mark.faults(64)
@pytest.mark.parametrize(("trusted", "is_told"), [("/elsewhere:{}", False), ("{}/..", True), ("{}*", True), ("", True)])
def test_an_exception_is_for_one_folder(trusted, is_told, tmp_path):
    tmp_path.chmod(0o1777)
    found = strangers(str(tmp_path), "", {"DEVBOOT_TRUSTED": trusted.format(tmp_path)}, tmp_path.stat().st_uid + 1)

    assert is_told == bool(found)
