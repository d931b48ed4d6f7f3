"""The oldest Python that can run a clone's code, where its image suggests an older one."""

import sys

import pytest

from devboot.onboarding.reading.needed_python import ADDED, needed_python
from devboot.onboarding.reading.tree import Tree


def of(write, text):
    return needed_python(Tree(write({"a.py": text})), ["a.py"], 0)


@pytest.mark.parametrize(
    ("text", "minor"),
    [
        ("x = 1\n", 0),
        ("def find(data) -> User | tuple: ...\n", 10),
        ("def find(data: 'User | tuple'): ...\n", 0),
        ("async def find(*, data: dict[str, int | None] = {}): ...\n", 10),
        ("class A:\n    name: str | None = None\n", 10),
        ("class A:\n    def find(self, *rest: int | str): ...\n", 10),
        ("def find():\n    name: str | None = None\n", 0),  # nothing evaluates it
        ("from __future__ import annotations\ndef find(data) -> User | tuple: ...\n", 0),
        ("mask = READ | WRITE\n", 0),
        ("match x:\n    case 1: ...\n", 10),
        ("try: ...\nexcept* ValueError: ...\n", 11),
        ("type Name = str\n", 12),
        ("def first[T](several: list[T]) -> T: ...\n", 12),
        ("import tomllib\n", 11),
        ("from enum import StrEnum\n", 11),
        ("from typing import Self\n", 11),
        ("from .enum import StrEnum\n", 0),
        ("try:\n    import tomllib\nexcept ImportError:\n    import tomli as tomllib\n", 0),
        ("if sys.version_info >= (3, 11):\n    from typing import Self\n", 0),
        ("def broken(:\n", 0),
    ],
)
def test_the_oldest_version_is_that_of_the_newest_thing_in_the_code(write, text, minor):
    found = of(write, text)

    assert (found.minor if found else 0) == minor
    if found:
        assert (found.evidence.path, found.evidence.line) in [("a.py", number) for number in (1, 2)]


@pytest.mark.parametrize("name", sorted(ADDED))
def test_each_name_of_the_table_is_in_the_standard_library(name):
    package, _, inner = name.partition(".")
    assert package in sys.stdlib_module_names
    if inner and sys.version_info >= (3, ADDED[name]):
        assert hasattr(__import__(package), inner)


CODE = "from flask import Flask\napp = Flask(__name__)\ndef find(data) -> int | None: ...\n"


@pytest.mark.parametrize(
    ("files", "version"),
    [
        ({"Dockerfile": "FROM python:3.9-slim\n"}, ">=3.10"),
        ({"Dockerfile": "FROM python:3.11-slim\n"}, None),
        ({}, None),  # the newest that fits is taken anyway
        ({"Dockerfile": "FROM python:3.9-slim\n", ".python-version": "3.9\n"}, None),  # people have decided
    ],
)
def test_an_image_with_a_python_too_old_for_the_code_does_not_count(propose, files, version):
    from devboot.clone_reader import parse_toml
    from devboot.onboarding import render

    proposal = propose({"app.py": CODE, "requirements.txt": "flask\n", **files})

    assert parse_toml(render(proposal)).get("python", {}).get("version") == version
    if version:
        assert 'version = ">=3.10"  # app.py:3' in render(proposal)
