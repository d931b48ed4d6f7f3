"""The setuptools of the interpreter, for packages that count on it."""

import pytest

from devboot.environment.python.bundled_setuptools import (
    FETCHED,
    bundled_wheel,
    imports_pkg_resources,
    wanted_setuptools,
)
from devboot.environment.python.interpreters import Interpreter


@pytest.fixture
def python(tmp_path):
    """Makes an interpreter of a minor version, with what `ensurepip` has."""

    def make(minor):
        wheels = tmp_path / "lib" / f"python{minor}" / "ensurepip" / "_bundled"
        wheels.mkdir(parents=True)
        (wheels / "setuptools-65.5.0-py3-none-any.whl").touch()
        (tmp_path / "bin").mkdir()
        (tmp_path / "bin" / "python3").touch()
        return Interpreter(str(tmp_path / "bin" / "python3"), f"{minor}.7")

    return make


def test_it_is_what_venv_would_install(python):
    assert bundled_wheel(python("3.11"), "").endswith("_bundled/setuptools-65.5.0-py3-none-any.whl")


def test_newer_pythons_bring_none(python):
    newer = python("3.12")
    assert bundled_wheel(newer, "") == ""
    assert wanted_setuptools(newer) == FETCHED


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("import pkg_resources", True),
        ("    from pkg_resources import iter_entry_points", True),
        ("# pkg_resources is slow", False),
        ("import pkg_resources_of_ours", False),
    ],
)
def test_only_an_import_counts(tmp_path, line, expected):
    (tmp_path / "server").mkdir()
    (tmp_path / "server" / "util.py").write_text(f"import os\n{line}\n")
    assert imports_pkg_resources(str(tmp_path)) is expected


@pytest.mark.parametrize(
    ("text", "expected"), [("import pkg_resources\n", True), ("try:\n    import pkg_resources\n", False)]
)
def test_an_import_at_once_has_no_way_around_it(tmp_path, text, expected):
    (tmp_path / "server.py").write_text(text)
    assert imports_pkg_resources(str(tmp_path), at_once=True) is expected


def test_its_own_files_do_not_count(tmp_path):
    (tmp_path / "setuptools").mkdir()
    (tmp_path / "setuptools" / "util.py").write_text("import pkg_resources\n")
    assert not imports_pkg_resources(str(tmp_path))
