"""Which Python a project asks for."""

import pytest

from devboot.environment.python.versions import (
    VersionRequest,
    as_specifier,
    minor_at,
    requested_version,
    stated_versions,
    suggested_minor,
    within_lock,
)
from devboot.errors import ManifestError


def request(files, manifest="", folder="/p", exact=False):
    texts = {f"/p/{name}": text for name, text in files.items()}
    return requested_version("/p", folder, texts.get, manifest=manifest, is_exact=exact)


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({".python-version": "# ours\n\n3.12\n3.11\n"}, VersionRequest("==3.12.*", "3.12", ".python-version", 3)),
        ({".python-version": "3.11.4"}, VersionRequest("==3.11.4", "3.11.4", ".python-version", 1)),
        ({"runtime.txt": "python-3.9.x"}, VersionRequest("==3.9.*", "3.9.x", "runtime.txt", 1)),
        ({"runtime.txt": "python-3.6.0"}, VersionRequest("==3.6.0", "3.6.0", "runtime.txt", 1)),
        ({".tool-versions": "node 20\npython 3.12.1\n"}, VersionRequest("==3.12.1", "3.12.1", ".tool-versions", 2)),
        ({"Pipfile": '[requires]\npython_version = "3.10"\n'}, VersionRequest("==3.10.*", "3.10", "Pipfile", 2)),
        (
            {"pyproject.toml": '[project]\nname = "a"\nrequires-python = ">=3.11,<3.12"\n'},
            VersionRequest("<3.12,>=3.11", ">=3.11,<3.12", "pyproject.toml", 3),
        ),
        (
            {"pyproject.toml": '[tool.poetry.dependencies]\npython = "^3.10"\n'},
            VersionRequest("<4,>=3.10", "^3.10", "pyproject.toml", 2),
        ),
        (
            {"pyproject.toml": '[project]\nrequires-python = "==3.10.*"\n', ".python-version": "3.10"},
            VersionRequest("==3.10.*", "3.10", ".python-version", 1),
        ),
        ({".python-version": "myproject-env\n", "runtime.txt": "nodejs"}, VersionRequest()),
        ({"pyproject.toml": "not toml ["}, VersionRequest()),
        ({}, VersionRequest()),
    ],
)
def test_the_first_file_that_says_it_counts(files, expected):
    assert expected == request(files)


def test_the_folder_of_the_application_is_asked_before_the_root():
    files = {".python-version": "3.11", "app/pyproject.toml": '[project]\nrequires-python = ">=3.12"\n'}

    assert ">=3.12" == request(files, folder="/p/app").specifier
    texts = {f"/p/{name}": text for name, text in files.items()}
    assert [">=3.12", "==3.11.*"] == [each.specifier for each in stated_versions("/p", "/p/app", texts.get)]


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        (".python-version", "3.12\n", ["==3.12.*"]),
        (".tool-versions", "python 3.12.1\n", ["==3.12.1"]),
        ("runtime.txt", "python-3.12.1\n", []),
        ("pyproject.toml", '[project]\nrequires-python = ">=3.12"\n', []),
    ],
)
def test_a_version_file_above_the_project_counts_up_to_the_root_of_the_clone(tmp_path, name, text, expected):
    clone = tmp_path / "clone"
    (clone / ".git").mkdir(parents=True)
    root = str(clone / "client")
    texts = {str(clone / name): text, str(tmp_path / ".python-version"): "3.9\n"}

    found = list(stated_versions(root, root, texts.get))

    assert [(each, f"../{name}") for each in expected] == [(each.specifier, each.file) for each in found]
    assert "==3.11.*" == next(stated_versions(root, root, {**texts, f"{root}/.python-version": "3.11"}.get)).specifier


def test_the_manifest_wins_and_may_insist():
    found = request({".python-version": "3.11"}, manifest="3.12.4", exact=True)

    assert VersionRequest("==3.12.4", "3.12.4", "devboot.toml", is_exact=True) == found
    assert ("3.12", "3.12.4", True, False) == (
        found.minor,
        found.patch,
        found.admits("3.12.4"),
        found.admits("3.12.5"),
    )


def test_a_manifest_that_names_no_version_is_refused():
    with pytest.raises(ManifestError) as caught:
        request({}, manifest="latest")

    assert ("python/version", "`latest` isn't a version of Python") == (caught.value.slug, caught.value.what)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("3", "==3.*"),
        ("3.12-dev", "==3.12.*"),
        ("cpython-3.12.1", "==3.12.1"),
        ("3.13t", "==3.13.*"),
        ("~=3.11", "~=3.11"),
        (">=3.11", ">=3.11"),
        ("pypy3.10", None),
        ("system", None),
        ("", None),
    ],
)
def test_words_become_specifiers(text, expected):
    assert expected == as_specifier(text)


def no_names(_folder, _pattern):
    return []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("FROM python:3.11-slim AS base\n", "3.11"),
        ("FROM --platform=linux/amd64 docker.example.test/library/python:3.12.4-bookworm\n", "3.12"),
        ("ARG PYTHON_VERSION=3.10\nFROM python:${PYTHON_VERSION}-slim\n", "3.10"),
        ("FROM node:20 AS assets\nFROM python:3.9\n", "3.9"),
        ("FROM python:latest\n", ""),
        ("FROM python:alpine3.14\n", ""),
        ("FROM python:${UNKNOWN}\n", ""),
        ("# FROM python:3.8\n", ""),
    ],
)
def test_the_image_that_is_built_on_suggests_a_minor_version(text, expected):
    assert expected == suggested_minor("/p", "/p", {"/p/Dockerfile": text}.get, no_names)


@pytest.mark.parametrize("name", ["Dockerfile", "Dockerfile.dev", "docker/Dockerfile", ".devcontainer/Dockerfile"])
def test_the_image_may_be_described_anywhere_up_to_the_root_of_the_clone(tmp_path, name):
    (tmp_path / ".git").mkdir()
    root = tmp_path / "service"
    texts = {str(tmp_path / name): "FROM python:3.9-alpine3.16\n"}

    assert "3.9" == suggested_minor(str(root), str(root), texts.get, no_names)


def test_without_a_clone_nothing_above_the_project_counts(tmp_path):
    root = tmp_path / "service"

    assert "" == suggested_minor(
        str(root), str(root), {str(tmp_path / "Dockerfile"): "FROM python:3.9\n"}.get, no_names
    )


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        (".github/workflows/ci.yml", "    steps:\n      - with:\n          python-version: 3.8\n", "3.8"),
        (".github/workflows/ci.yml", "      matrix:\n        python-version: ['3.8', \"3.10\", 3.9]\n", "3.10"),
        (".github/workflows/ci.yml", "        python-version:\n          - '3.9'\n          - 3.8\n", "3.9"),
        (".github/workflows/ci.yaml", "          python-version: ${{ matrix.python }}\n", ""),
        (".github/workflows/ci.yml", "          python-version: 3.x\n          node-version: 3.9\n", ""),
        (".github/workflows/ci.yml", "#          python-version: 3.8\n", ""),
        (".travis.yml", "language: python\npython:\n  - '3.6'\n  - '3.7'\n", "3.7"),
        (".gitlab-ci.yml", "image: python:3.7-slim\n", "3.7"),
        ("environment.yml", "dependencies:\n  - python=3.8.5\n  - numpy=1.19\n", "3.8"),
        ("tox.ini", "[tox]\nenvlist = py37, py{38,39}-django, lint\n", "3.9"),
        ("tox.ini", "[testenv]\nbasepython = python3.10\ndeps = x==3.11\n", "3.10"),
        ("tox.ini", "[flake8]\nmax-line-length = 100\n", ""),
    ],
)
def test_what_the_project_is_tested_with_suggests_a_minor_version_where_no_image_does(name, text, expected):
    texts = {f"/p/{name}": text}

    def names(folder, pattern):
        return [
            each for each in (name.rpartition("/")[2],) if f"{folder}/{each}" in texts and each.endswith(pattern[1:])
        ]

    assert expected == suggested_minor("/p", "/p/app", texts.get, names)
    assert "3.12" == suggested_minor("/p", "/p", {**texts, "/p/Dockerfile": "FROM python:3.12\n"}.get, names)


def test_who_insists_on_a_patch_version_may_have_it_said_by_another_file():
    assert request({".python-version": "3.11.4"}, exact=True).is_exact
    assert request({}, exact=True).is_exact
    assert not request({".python-version": "3.11.4"}).is_exact


PYPROJECT = '[project]\nrequires-python = ">=3.11"\n'


@pytest.mark.parametrize(
    ("files", "bounds"),
    [
        ({".python-version": "3.14"}, ""),
        ({".python-version": "3.14", "pyproject.toml": PYPROJECT}, ">=3.11"),
        ({"Pipfile": '[requires]\npython_version = "3.14"\n'}, ""),
        ({".python-version": "3.14", "runtime.txt": "python-3.14.x"}, ""),
        ({"pyproject.toml": '[project]\nrequires-python = "==3.14.*"\n'}, None),
        ({}, None),
    ],
)
def test_a_file_that_says_what_its_writers_use_forbids_no_other_version_where_none_was_written_down(files, bounds):
    texts = {f"/p/{name}": text for name, text in files.items()}

    assert bounds == requested_version("/p", "/p", texts.get, may_stand_in=True).stand_in
    assert requested_version("/p", "/p", texts.get).stand_in is None
    assert requested_version("/p", "/p", texts.get, may_stand_in=True, is_exact=True).stand_in is None
    assert requested_version("/p", "/p", texts.get, may_stand_in=True, manifest="3.14").stand_in is None


@pytest.mark.parametrize(
    ("bounds", "version", "admitted"), [("", "3.9.1", True), (">=3.11", "3.9.1", False), (None, "3.13.2", False)]
)
def test_what_may_stand_in_keeps_within_the_projects_bounds(bounds, version, admitted):
    assert admitted == VersionRequest("==3.14.*", "3.14", ".python-version", 1, stand_in=bounds).admits_instead(version)


@pytest.mark.parametrize(
    ("asked", "bounds", "specifier", "file"),
    [
        ("", ">=3.13", ">=3.13", "pdm.lock"),
        (">=3.10", ">=3.13", ">=3.10,>=3.13", "pdm.lock"),
        (">=3.10", ">=3.10", ">=3.10", "pyproject.toml"),
        (">=3.10,<3.12", ">=3.13", ">=3.10,<3.12", "pyproject.toml"),
        ("==3.10.*", ">=3.10,<3.14", "==3.10.*", "pyproject.toml"),
    ],
)
def test_a_range_is_narrowed_to_the_pythons_that_the_lock_was_made_for(asked, bounds, specifier, file):
    request = VersionRequest(asked, asked, "pyproject.toml", 3)
    found = within_lock(request, bounds, "pdm.lock")
    assert (found.specifier, found.file) == (specifier, file)


def test_what_may_stand_in_keeps_within_the_lock():
    request = VersionRequest("==3.14.*", "3.14", ".python-version", 1, stand_in="")
    assert within_lock(request, ">=3.11", "uv.lock").stand_in == ">=3.11"


def test_what_detection_took_from_a_file_further_up_is_asked_for_there():
    texts = {"/p/.python-version": "3.14\n", "/p/app/pyproject.toml": "[project]\nrequires-python = '>=3.10'\n"}

    found = requested_version("/p", "/p/app", texts.get, manifest="3.14", may_stand_in=True)
    assert (found.file, found.line, found.written) == (".python-version", 1, "3.14")
    assert requested_version("/p", "/p/app", texts.get, manifest="3.14").file == "devboot.toml"


@pytest.mark.parametrize(
    ("date", "expected"),
    [
        ("2021-05-30", "3.9"),
        ("2023-04-01", "3.10"),
        ("2023-05-01", "3.11"),
        ("2014-01-01", "3.7"),
        ("7 days", ""),
        ("", ""),
    ],
)
def test_packages_of_a_date_run_on_the_python_that_had_wheels_then(date, expected):
    assert expected == minor_at(date)
