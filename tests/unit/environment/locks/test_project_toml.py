"""pyproject.toml and Pipfile that aren't valid TOML."""

import pytest

from devboot.clone_reader import read_bytes
from devboot.environment.locks.inputs import default_inputs, named_inputs
from devboot.environment.locks.load import load_inputs
from devboot.environment.locks.project_toml import parse_project_toml
from devboot.environment.locks.unlocked import gather
from devboot.errors import ManifestError


@pytest.mark.parametrize(
    ("data", "place"),
    [
        (b'[project]\ndependencies = ["x"\n\n[tool.x]\n', (4, 1)),
        (b'\xef\xbb\xbf[project]\nname = "x\n', (2, 8)),
        (b"[project]\r\nname = x\r\n", (2, 8)),
        ('[project]\nname = "x"\n'.encode("utf-16"), (1, 1)),
        (b'[project]\nname = "\xe9"\n', (2, 9)),
        (b"a = " + b"[" * 5000, (0, 0)),
        (b"a = " + b"1" * 9000, (0, 0)),
    ],
)
def test_a_mistake_is_an_error_with_its_place(data, place):
    with pytest.raises(ManifestError) as caught:
        parse_project_toml(data, "app/pyproject.toml")

    found = caught.value.place
    assert "python/requirements-syntax" == caught.value.slug
    assert ("app/pyproject.toml", *place) == (found.file, found.line, found.column)


def test_a_byte_order_mark_is_no_mistake():
    assert {"a": 1.5} == parse_project_toml(b"\xef\xbb\xbfa = 1.5\n", "pyproject.toml")[1]


@pytest.mark.parametrize("name", ["pyproject.toml", "Pipfile", "poetry.lock", "Pipfile.lock", "pdm.lock", "uv.lock"])
def test_a_broken_project_file_is_reported_whatever_is_made_from_it(tmp_path, name):
    locks = {
        "Pipfile.lock": '{"default": {}, "develop": {}}',
        "pdm.lock": "[metadata]\nstrategy = ['inherit_metadata']\n",
    }
    (tmp_path / name).write_text(locks.get(name, "version = 1\n"))
    (tmp_path / ("Pipfile" if name.startswith("Pipfile") else "pyproject.toml")).write_text("[project]\na = \n")

    with pytest.raises(ManifestError) as caught:
        load_inputs(None, named_inputs(str(tmp_path), [name]), str(tmp_path), environ={})

    assert ("python/requirements-syntax", 2) == (caught.value.slug, caught.value.place.line)


def test_a_project_without_another_list_is_refused_for_a_broken_pyproject(tmp_path):
    (tmp_path / "pyproject.toml").write_text("[tool.black\n")

    with pytest.raises(ManifestError, match="expected"):
        gather(default_inputs(str(tmp_path), str(tmp_path)), str(tmp_path), read=read_bytes, environ={})
