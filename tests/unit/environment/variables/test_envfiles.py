"""Env-files in their order."""

import pytest

from devboot.environment.variables.envfiles import read_env_files
from devboot.errors import Problems


def test_later_files_come_last_and_missing_ones_are_none(tmp_path):
    (tmp_path / ".env").write_text("A=1\nURL=http://localhost:${PORT}/\n")

    found = read_env_files(str(tmp_path), None, {"PORT": "5000"})

    assert [("A", "1", ".env:1", True), ("URL", "http://localhost:5000/", ".env:2", False)] == [
        tuple(variable) for variable in found.variables
    ]
    assert tuple(str(tmp_path / name) for name in (".overmind.env", ".env", ".env.local")) == found.paths


def test_what_overmind_is_told_counts_less_than_env_but_its_own_name_for_the_port_more(tmp_path):
    (tmp_path / ".overmind.env").write_text("OVERMIND_PORT=3000\nA=overmind\nB=overmind\n")
    (tmp_path / ".env").write_text("PORT=4000\nA=env\n")

    found = read_env_files(str(tmp_path), None, {})

    assert {"A": "env", "B": "overmind"}.items() <= {each.name: each.value for each in found.variables}.items()
    assert found.port == "3000"


def test_a_later_file_may_use_what_an_earlier_one_set(tmp_path):
    (tmp_path / "a.env").write_text("NAME=x\n")
    (tmp_path / "b.env").write_text("FULL=${NAME}y\n")

    found = read_env_files(str(tmp_path), ["a.env", "b.env"], {})

    assert "xy" == found.variables[-1].value


@pytest.mark.faults(50)
def test_the_mistakes_of_all_files_come_in_one_run(tmp_path):
    (tmp_path / "a.env").write_text('A="open\n')
    (tmp_path / "b.env").write_text("B='open\n")

    with pytest.raises(Problems) as caught:
        read_env_files(str(tmp_path), ["a.env", "b.env"], {})

    assert ["a.env", "b.env"] == [error.place.file for error in caught.value.errors]
    assert {"env/bad-line"} == {error.slug for error in caught.value.errors}


@pytest.mark.faults(50)
def test_a_file_without_an_end_is_refused(tmp_path):
    (tmp_path / ".env").symlink_to("/dev/zero")

    with pytest.raises(Problems) as caught:
        read_env_files(str(tmp_path), None, {})

    assert [error.what for error in caught.value.errors] == ["`.env` can't be read: it is a device, not a regular file"]


def test_a_folder_that_is_called_like_one_is_none_unless_it_is_named(tmp_path):
    (tmp_path / ".env" / "bin").mkdir(parents=True)

    assert () == read_env_files(str(tmp_path), None, {}).variables
    with pytest.raises(Problems) as caught:
        read_env_files(str(tmp_path), [".env"], {})
    assert ["env/unreadable"] == [error.slug for error in caught.value.errors]
