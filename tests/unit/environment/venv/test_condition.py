"""What is found out of a virtualenv's own files."""

import os

import pytest

from devboot.environment.venv.condition import configured_version


@pytest.mark.faults(104)
def test_a_pipe_in_place_of_its_configuration_is_none(tmp_path):
    (tmp_path / "pyvenv.cfg").write_text("version = 3.12.4\n")
    assert configured_version(str(tmp_path)) == "3.12.4"

    (tmp_path / "pyvenv.cfg").unlink()
    os.mkfifo(tmp_path / "pyvenv.cfg")
    assert configured_version(str(tmp_path)) == ""
