"""Recognises packages for development or Windows only: if one can't be installed, the project starts without it."""

from __future__ import annotations

import re

from devboot.environment.locks.pins import normalised
from devboot.errors import DevbootError

_WORDS = """
    astroid autoflake autopep8 bandit black bumpversion bump2version codecov commitizen coverage coveralls docformatter
    flake8 hypothesis interrogate ipdb ipython isort jedi jupyter jupyterlab lazy-object-proxy mccabe mypy nose nose2
    notebook nox pep8 pip-audit pip-tools pre-commit pycodestyle pydocstyle pyflakes pylint pyright pytest pyupgrade
    radon rope ruff safety sphinx tox twine typed-ast vulture yapf
"""
_NAMES = frozenset(_WORDS.split())
_FAMILIES = re.compile(r"(?:flake8|mypy|pylint|pytest|sphinx|sphinxcontrib|types)-[\w-]+")
_GROUPS = re.compile(
    r"(?:dev|develop|development|tests?|testing|lint(?:ing|ers?)?|docs?|documentation|typing|types|format|style|qa|ci)"
)
_SLUGS = ("python/resolution", "python/no-such-package", "python/build-failed", "python/missing-library")
# What uv says of a package whose files are all for Windows, as a list that was frozen there may have some
_ONLY_ON_WINDOWS = re.compile(
    r"Wheels are available for `([^`]+)` \(\S+\) on the following platforms?: (?:`win\w+`[, ]*)+$"
)
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*[A-Za-z0-9]")


def is_for_development(name: str) -> bool:
    """Return whether a package (normalised name) is a development tool, which no application imports at run time."""
    return name in _NAMES or _FAMILIES.fullmatch(name) is not None


def is_group_for_development(name: str) -> bool:
    """Return whether a dependency group, by its name, is for development, as `dev` or `lint`."""
    return _GROUPS.fullmatch(normalised(name)) is not None


def blamed_tools(error: DevbootError) -> frozenset[str]:
    """Return the development tools named in an error of a resolution or build; none for other errors."""
    return frozenset(filter(is_for_development, blamed(error)))


def blamed_for_windows(error: DevbootError) -> frozenset[str]:
    """Return the packages that, by the error of an installation, have wheels for Windows only."""
    found = (_ONLY_ON_WINDOWS.search(cause) for cause in error.causes if error.slug in _SLUGS)
    return frozenset(normalised(match[1]) for match in found if match)


def blamed(error: DevbootError) -> frozenset[str]:
    """Return words in an error of a resolution or build that may be names of packages; none for other errors."""
    if error.slug not in _SLUGS:
        return frozenset()
    return frozenset(normalised(word) for text in (error.what, *error.causes) for word in _WORD.findall(text))
