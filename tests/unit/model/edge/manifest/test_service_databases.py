"""Databases that stand inside of their service."""

from __future__ import annotations

import pytest

from devboot.errors import Problems
from devboot.model.edge.manifest.manifest import parse_manifest

INSIDE = """[services.postgres]
version = "18"
[services.postgres.databases.default]
name = "shop"
[env]
HOST = "${databases.default.host}"
[processes.web]
command = "serve"
depends_on = ["default"]
"""


def slugs_and_lines(text):
    with pytest.raises(Problems) as caught:
        parse_manifest(text, "devboot.toml", procfile=())
    return [(error.slug, error.place.line, error.place.column) for error in caught.value.errors]


def test_they_are_as_good_as_those_that_name_their_service():
    apart = '[services.postgres]\nversion = "18"\n[databases.default]\nservice = "postgres"\nname = "shop"\n'

    inside = parse_manifest(INSIDE, "devboot.toml", procfile=())

    assert parse_manifest(apart, "devboot.toml").databases == inside.databases
    assert {} == inside.services["postgres"].databases


def test_what_is_wrong_in_them_is_shown_where_it_is_written():
    assert [("manifest/unknown-key", 4, 1)] == slugs_and_lines(INSIDE.replace('name = "shop"', 'nmae = "shop"'))
    assert [("manifest/type", 4, 8)] == slugs_and_lines(INSIDE.replace('"shop"', "true"))


def test_no_name_is_given_twice():
    twice = INSIDE + '[databases.default]\npath = "db.sqlite3"\n'
    assert [("manifest/duplicate-name", 3, 30)] == slugs_and_lines(twice)


def test_the_service_is_not_said_again():
    assert [("manifest/unknown-key", 4, 1)] == slugs_and_lines(INSIDE.replace('name = "shop"', 'service = "postgres"'))


@pytest.mark.parametrize("databases", ['"x"', "[1]", '{ default = "x" }'])
def test_another_shape_is_refused_with_its_place(databases):
    found = slugs_and_lines(f"[services.postgres]\ndatabases = {databases}\n")

    assert [("manifest/type", 2)] == [each[:2] for each in found]
