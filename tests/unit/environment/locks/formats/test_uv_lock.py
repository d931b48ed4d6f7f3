"""Whether a uv.lock fits its pyproject.toml."""

import pytest

from devboot.environment.locks.formats.uv_lock import stale

OWN = {
    "name": "shop",
    "metadata": {
        "requires-dist": [
            {"name": "django", "specifier": ">=5,<6"},
            {"name": "celery", "extras": ["redis"]},
            {"name": "lib", "editable": "lib"},
            {"name": "gunicorn", "marker": "extra == 'web'", "specifier": ">=20"},
        ]
    },
}
FITTING = ["Django<6,>=5", "celery[redis]", "lib>=1"]


def project(dependencies, **others):
    return {"project": {"name": "shop", "dependencies": dependencies, **others}}


WEB = {"optional-dependencies": {"web": ["gunicorn>=20"]}}


def test_a_lock_of_the_same_dependencies_fits_however_they_are_written():
    assert "" == stale({"package": [OWN]}, project(FITTING, **WEB), "uv.lock")


@pytest.mark.parametrize(
    ("dependencies", "others"),
    [
        ([*FITTING, "redis"], WEB),
        (FITTING[:-2], WEB),
        (["django>=6", *FITTING[1:]], WEB),
        (FITTING, {}),
    ],
)
def test_a_lock_of_other_dependencies_is_stale(dependencies, others):
    said = stale({"package": [OWN]}, project(dependencies, **others), "uv.lock")

    assert "uv.lock is older than its pyproject.toml" == said


@pytest.mark.parametrize(
    ("lock", "table"),
    [
        ({"package": []}, project(FITTING)),
        ({"package": [OWN]}, {"tool": {}}),
        ({"package": [OWN]}, project([], dynamic=["dependencies"])),
        ({"package": [OWN]}, project(["not a requirement !!"])),
    ],
)
def test_where_nothing_can_be_told_nothing_is_said(lock, table):
    assert "" == stale(lock, table, "uv.lock")
