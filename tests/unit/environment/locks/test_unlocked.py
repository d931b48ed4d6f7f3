"""Requirements that nothing pins yet."""

import errno
import os
from dataclasses import replace

import pytest

from devboot.environment.locks.inputs import named_inputs
from devboot.environment.locks.load import read_bytes
from devboot.environment.locks.pins import GIT, Direct, IndexLine
from devboot.environment.locks.unlocked import gather
from devboot.errors import ManifestError


def gathered(tmp_path, files, groups=None, extras=(), names=None):
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    inputs = named_inputs(str(tmp_path), names or list(files))
    return gather(inputs, str(tmp_path), read=read_bytes, environ={}, groups=groups, extras=extras)


def test_requirement_files_are_put_together(tmp_path):
    found = gathered(tmp_path, {"requirements.txt": "django>=5\n-e .\n", "requirements-dev.txt": "pytest\ndjango>=5\n"})

    assert "django>=5\npytest\n-e ./.\n" == found.text(str(tmp_path))


@pytest.mark.parametrize(
    ("line", "address"),
    [
        ("git+git://code.example.test/a/lib.git@v1#egg=lib", "git+https://code.example.test/a/lib.git@v1"),
        ("lib @ git://code.example.test/a/lib.git", "git+https://code.example.test/a/lib.git"),
        ("-e git://code.example.test/a/lib.git#egg=lib", "git+https://code.example.test/a/lib.git"),
    ],
)
def test_an_address_of_gits_own_protocol_is_asked_for_by_https_and_a_note_says_so(tmp_path, line, address):
    found = gathered(tmp_path, {"requirements.txt": f"six\n{line}\n"})

    assert f"lib @ {address}\n" in found.text(str(tmp_path))
    assert (f"requirements.txt:2: git:// is no longer served, so {address} is used",) == found.notes


@pytest.mark.parametrize(
    "address", ["git://127.0.0.1/lib.git", "git://code.example.test:9418/lib.git", "git://nas/lib"]
)
def test_a_git_server_of_the_network_is_asked_as_it_is_written(tmp_path, address):
    found = gathered(tmp_path, {"requirements.txt": f"lib @ git+{address}\n"})

    assert (f"lib @ git+{address}\n", ()) == (found.text(str(tmp_path)), found.notes)


def test_a_version_for_some_machines_is_not_forced_on_all(tmp_path):
    text = "ant==1\nbee==2 ; python_version < '3.9'\ncat>=3\ndog==1 ; os_name == 'nt'\ndog==2\n"
    found = gathered(tmp_path, {"requirements.txt": text})

    assert "" == found.override_text
    assert "ant==1\n" == replace(found, is_forced=True).override_text


def test_packages_of_the_manifest_are_resolved_with_the_files(tmp_path):
    (tmp_path / "requirements.txt").write_text("django>=5\n")
    inputs = named_inputs(str(tmp_path), ["requirements.txt"])

    found = gather(inputs, str(tmp_path), read=read_bytes, environ={}, packages=["gunicorn>=20", "redis"])
    without = gather(inputs, str(tmp_path), read=read_bytes, environ={})

    assert "django>=5\ngunicorn>=20\nredis\n" == found.text(str(tmp_path))
    assert found.digest != without.digest


def test_a_setup_py_is_the_project_itself_and_an_edit_of_it_counts(tmp_path):
    found = gathered(tmp_path, {"setup.py": "from setuptools import setup\nsetup(install_requires=['six'])\n"})
    edited = gathered(tmp_path, {"setup.py": "from setuptools import setup\nsetup(install_requires=['attrs'])\n"})

    assert ("-e ./.\n", (f"{tmp_path}/setup.py",)) == (found.text(str(tmp_path)), found.files)
    assert found.digest != edited.digest


def test_a_pyproject_is_left_to_uv_with_the_group_for_development(tmp_path):
    text = '[project]\nname = "a"\nrequires-python = ">=3.11"\ndependencies = ["b"]\n'
    text += '[dependency-groups]\ndev = ["c"]\ndocs = ["d"]\n'

    found = gathered(tmp_path, {"pyproject.toml": text})
    path = f"{tmp_path}/pyproject.toml"

    assert ((path,), (f"{path}:dev",), "", ">=3.11") == (
        found.projects,
        found.groups,
        found.text(str(tmp_path)),
        found.python,
    )


def test_what_a_pyproject_lists_is_found_again_on_its_line(tmp_path):
    text = '[project]\nname = "a"\ndependencies = [\n  "b>=1",\n  \'c\',\n  """d""",\n  "e\\u003e1",\n]\n'

    found = gathered(tmp_path, {"pyproject.toml": text})

    assert [("b", 4), ("c", 5), ("d", 6), ("e", 0)] == [(line.name, line.line) for line in found.read_by_uv]


def test_where_everything_is_in_groups_all_of_them_count(tmp_path):
    text = '[dependency-groups]\napp = ["b"]\ntests = ["c", {include-group = "app"}]\n'

    found = gathered(tmp_path, {"pyproject.toml": text})
    path = f"{tmp_path}/pyproject.toml"

    assert ((), (f"{path}:app", f"{path}:tests")) == (found.projects, found.groups)


def test_poetrys_own_tables_become_lines(tmp_path):
    text = """
[tool.poetry.dependencies]
python = "^3.11"
web = {version = "^2.1", extras = ["fast"]}
old = {version = "*", python = "<3.12"}
tool = {git = "https://git.example.test/tool.git", rev = "v1"}
pg = {version = "*", optional = true}
[tool.poetry.group.dev.dependencies]
checker = "~1.4"
[[tool.poetry.source]]
name = "inner"
url = "https://inner.example.test/simple"
"""

    found = gathered(tmp_path, {"pyproject.toml": text})

    assert (
        'web[fast]>=2.1,<3\nold ; python_version < "3.12"\nchecker>=1.4,<1.5\n'
        "tool @ git+https://git.example.test/tool.git@v1\n"
    ) == found.text(str(tmp_path))
    assert (IndexLine("extra", "https://inner.example.test/simple", "pyproject.toml", name="inner"),) == found.indexes


def test_a_pipfile_without_a_lock_becomes_lines(tmp_path):
    text = """
[packages]
django = ">=5"
celery = {version = "*", extras = ["redis"], markers = "sys_platform == 'linux'"}
[dev-packages]
pytest = "*"
[requires]
python_version = "3.12"
"""

    found = gathered(tmp_path, {"Pipfile": text})

    assert "django>=5\ncelery[redis] ; sys_platform == 'linux'\npytest\n" == found.text(str(tmp_path))
    assert "==3.12.*" == found.python


def test_addresses_of_uvs_sources_are_declared(tmp_path):
    text = (
        '[project]\nname = "a"\ndependencies = ["t"]\n[tool.uv.sources]\nt = { git = "https://git.example.test/t" }\n'
    )

    found = gathered(tmp_path, {"pyproject.toml": text})

    address = "git+https://git.example.test/t"
    assert (Direct(GIT, address, str(tmp_path), "t", file="pyproject.toml"),) == found.declared


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("a\nb\n", "# why\nb\na\n", True),
        ("a\n", "a>1\n", False),
        ("a\n", "a\n-c limits.txt\n", False),
        ("a\n", "a\n--pre\n", False),
    ],
)
def test_the_digest_changes_with_what_is_asked_for_and_nothing_else(tmp_path, one, other, is_same):
    first, second = tmp_path / "one", tmp_path / "two"
    for folder in (first, second):
        folder.mkdir()
        (folder / "limits.txt").write_text("a<2\n")

    digests = [gathered(folder, {"requirements.txt": text}).digest for folder, text in ((first, one), (second, other))]

    assert is_same == (digests[0] == digests[1])


def test_a_pyproject_in_another_folder_has_the_same_digest(tmp_path):
    text = '[project]\nname = "a"\ndependencies = ["b"]\n[dependency-groups]\ndev = ["c"]\n'
    first, second = tmp_path / "one", tmp_path / "two"
    first.mkdir()
    second.mkdir()

    assert gathered(first, {"pyproject.toml": text}).digest == gathered(second, {"pyproject.toml": text}).digest


@pytest.mark.parametrize("name", ["requirements.txt", "pyproject.toml", "Pipfile"])
def test_a_file_that_is_there_but_cannot_be_read_is_not_called_missing(tmp_path, name):
    def read(path):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)

    (tmp_path / name).touch()
    with pytest.raises(ManifestError) as caught:
        gather(named_inputs(str(tmp_path), [name]), str(tmp_path), read=read, environ={})

    assert ("python/unreadable", f"`{name}` can't be read") == (caught.value.slug, caught.value.what)


def test_a_file_that_is_named_but_not_there_is_an_error(tmp_path):
    with pytest.raises(ManifestError) as caught:
        gathered(tmp_path, {}, names=["requirements-dev.txt"])

    assert ("python/no-requirements", "`requirements-dev.txt` can't be read") == (
        caught.value.slug,
        caught.value.what,
    )
