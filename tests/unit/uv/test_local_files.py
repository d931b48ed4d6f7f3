"""What uv would wait for is refused before it is started."""

import os

import pytest

from devboot.errors import ManifestError
from devboot.uv.client import Uv
from devboot.uv.local_files import refuse_distributions, refuse_package, refuse_project

pytestmark = pytest.mark.faults(151)


def refused(call, *arguments):
    with pytest.raises(ManifestError) as caught:
        call(*arguments)
    assert "python/unreadable" == caught.value.slug
    return caught.value


@pytest.mark.parametrize("name", ["pyproject.toml", "uv.toml", "uv.lock", ".python-version", ".python-versions"])
@pytest.mark.parametrize("where", [".", ".."])
def test_a_pipe_among_the_settings_of_uv_is_refused_before_it_starts(tmp_path, name, where):
    folder = tmp_path / "clone/app"
    folder.mkdir(parents=True)
    os.mkfifo(folder / where / name)

    error = refused(lambda: Uv("/nowhere/uv", {}, str(folder)).attempt(["pip", "list"], doing="list"))

    assert name in error.what
    assert ("it is a named pipe, not a regular file",) == error.causes


def test_settings_that_are_too_large_are_refused(tmp_path):
    (tmp_path / "uv.toml").touch()
    os.truncate(tmp_path / "uv.toml", 1 << 30)

    assert "larger than 16 MB" in refused(refuse_project, str(tmp_path)).causes[0]


@pytest.mark.parametrize("members", ['"packages/*"', '"packages/**"', '"packages/a"', '"**/a"'])
def test_members_of_a_workspace_are_looked_at(tmp_path, members):
    (tmp_path / "pyproject.toml").write_text(f"[tool.uv.workspace]\nmembers = [{members}]\n")
    (tmp_path / "packages/a").mkdir(parents=True)
    refuse_project(str(tmp_path))
    os.mkfifo(tmp_path / "packages/a/pyproject.toml")

    assert "`packages/a/pyproject.toml` can't be read" == refused(refuse_project, str(tmp_path)).what


def test_sources_are_followed_from_one_to_the_next_and_end_where_they_began(tmp_path):
    for folder, other in (("", "one"), ("one", "../two"), ("two", "..")):
        (tmp_path / folder).mkdir(exist_ok=True)
        text = f'[tool.uv.sources]\nit = [{{ path = "{other}", marker = "x" }}, {{ git = "g" }}]\n'
        (tmp_path / folder / "pyproject.toml").write_text(text)
    refuse_project(str(tmp_path))
    os.mkfifo(tmp_path / "two/setup.cfg")

    assert "`two/setup.cfg` can't be read" == refused(refuse_project, str(tmp_path)).what


@pytest.mark.parametrize("text", ["[", "tool = 1", "[tool.uv]\nsources = 1\n", "[tool.uv.workspace]\nmembers = 7\n"])
def test_what_is_wrong_in_other_ways_is_left_to_uv(tmp_path, text):
    (tmp_path / "pyproject.toml").write_text(text)
    (tmp_path / "uv.toml").mkdir()

    refuse_project(str(tmp_path))


def test_a_path_among_the_arguments_is_looked_at(tmp_path):
    os.mkfifo(tmp_path / "requirements.txt")
    uv = Uv("/nowhere/uv", {}, str(tmp_path))

    refused(lambda: uv.attempt(["pip", "compile", str(tmp_path / "requirements.txt")], doing="resolve"))


@pytest.mark.parametrize("name", ["pyproject.toml", "setup.py", "setup.cfg", "PKG-INFO"])
def test_a_package_whose_files_would_be_waited_for_is_refused(tmp_path, name):
    (tmp_path / "lib").mkdir()
    refuse_package(str(tmp_path / "lib"), str(tmp_path))
    os.mkfifo(tmp_path / "lib" / name)

    assert f"`lib/{name}` can't be read" == refused(refuse_package, str(tmp_path / "lib"), str(tmp_path)).what


def test_a_folder_of_wheels_may_hold_large_files_and_no_pipes_that_are_called_like_one(tmp_path):
    (tmp_path / "large-1-py3-none-any.whl").touch()
    os.truncate(tmp_path / "large-1-py3-none-any.whl", 1 << 30)
    os.mkfifo(tmp_path / "other")
    refuse_distributions(str(tmp_path), str(tmp_path))
    os.symlink("/dev/zero", tmp_path / "small-1-py3-none-any.whl")

    error = refused(refuse_distributions, str(tmp_path), str(tmp_path))

    assert ("it is a device, not a regular file",) == error.causes


@pytest.mark.faults(219)
@pytest.mark.parametrize("name", ["a-1.0-py3-none-any.whl", "a-1.0.tar.gz", "a-1.0.zip"])
def test_a_package_that_claims_more_than_any_has_is_refused_before_uv_reads_it(tmp_path, name):
    path = tmp_path / name
    path.touch()
    os.truncate(path, 8 << 40)

    for refuse, what in ((refuse_package, path), (refuse_distributions, tmp_path)):
        error = refused(refuse, str(what), str(tmp_path))
        assert error.what == f"`{name}` can't be read"
        assert error.causes == ("it is larger than 8 GB, the limit for such files",)
    uv = Uv("/nowhere/uv", {}, str(tmp_path))
    error = refused(lambda: uv.attempt(["pip", "install", f"./{name}"], doing="install"))
    assert "larger than 8 GB" in error.causes[0]
