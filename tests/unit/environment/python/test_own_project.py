"""Whether the project itself is installed."""

import pytest

from devboot.environment.python.own_project import own_project

NAMED = '[project]\nname = "toy"\n'
BUILT = '[build-system]\nrequires = ["setuptools"]\n'


def needed(tmp_path, *, is_asked_for):
    found = own_project(str(tmp_path), str(tmp_path), is_asked_for=is_asked_for)
    return None if found is None else found.is_needed


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (NAMED, None),
        (NAMED + BUILT, False),
        (NAMED + "[tool.uv]\npackage = true\n", False),
        (NAMED + BUILT + "[tool.uv]\npackage = false\n", None),
        ('[tool.poetry]\nname = "toy"\n', None),
        ('[tool.poetry]\nname = "toy"\npackages = [{include = "lib"}]\n', False),
        ('[tool.poetry]\nname = "toy"\npackages = [{include = "lib"}]\npackage-mode = false\n' + BUILT, None),
        ('[tool.poetry]\nname = "toy"\n[tool.poetry.scripts]\ntoy = "toy:main"\n' + BUILT, None),
    ],
)
def test_a_project_that_names_no_build_system_is_a_list_of_packages_only(tmp_path, text, expected):
    tmp_path.joinpath("pyproject.toml").write_text(text)
    assert needed(tmp_path, is_asked_for=True) is expected


def test_a_project_of_poetrys_is_built_where_its_package_is_there(tmp_path):
    tmp_path.joinpath("pyproject.toml").write_text('[tool.poetry]\nname = "my-toy"\n' + BUILT)
    tmp_path.joinpath("my_toy.py").touch()
    assert needed(tmp_path, is_asked_for=True) is False


def test_a_setup_py_builds_without_a_build_system(tmp_path):
    tmp_path.joinpath("pyproject.toml").write_text(NAMED)
    tmp_path.joinpath("setup.py").touch()
    assert needed(tmp_path, is_asked_for=True) is False


def test_a_package_that_only_installing_makes_importable_is_needed(tmp_path):
    tmp_path.joinpath("pyproject.toml").write_text(NAMED + BUILT)
    tmp_path.joinpath("src/toy").mkdir(parents=True)
    tmp_path.joinpath("src/toy/__init__.py").touch()
    assert needed(tmp_path, is_asked_for=True) is True


def test_a_folder_src_that_is_imported_by_that_name_hides_nothing(tmp_path):
    tmp_path.joinpath("pyproject.toml").write_text(NAMED + BUILT)
    tmp_path.joinpath("src/models").mkdir(parents=True)
    tmp_path.joinpath("src/app.py").write_text("import os\nfrom src.models import shop\n")
    assert needed(tmp_path, is_asked_for=False) is None


def test_a_package_that_nobody_asked_for_and_that_can_be_imported_stays_uninstalled(tmp_path):
    tmp_path.joinpath("pyproject.toml").write_text(NAMED + BUILT)
    tmp_path.joinpath("toy.py").touch()
    assert needed(tmp_path, is_asked_for=False) is None


def test_a_file_with_groups_alone_is_a_list_of_packages_unless_a_setup_stands_beside_it(tmp_path):
    tmp_path.joinpath("pyproject.toml").write_text("[dependency-groups]\nmain = ['django']\n")
    assert needed(tmp_path, is_asked_for=True) is None
    tmp_path.joinpath("setup.cfg").touch()
    assert needed(tmp_path, is_asked_for=True) is True
