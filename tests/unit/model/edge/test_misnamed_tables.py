"""A table under a wrong name hides nothing: what is in it is judged as well, and what uses it is right."""

import pytest

from devboot.errors import Problems
from devboot.model.edge.manifest.manifest import parse_manifest


def complaints(text, **options):
    with pytest.raises(Problems) as raised:
        parse_manifest(text, "devboot.toml", **options)
    return [(error.place.line, error.what) for error in raised.value.errors]


@pytest.mark.faults(45, 46)
def test_a_misspelt_table_counts_for_the_one_that_was_meant():
    text = """\
[sevices.redis]
prot = 6379
[services.nats]
[env]
A = "${services.redis.url}"
B = "${services.redis.ulr}"
[processes.web]
command = "true"
depends_on = ["redis", "nats", "cache"]
[cache]
recipe = "valkey"
"""

    assert complaints(text, procfile=()) == [
        (1, "unknown table `sevices`"),
        (2, "unknown key `prot` in `services.redis`"),
        (6, "unknown name `ulr` in `${services.redis.ulr}`"),
        (10, "unknown table `cache`"),
    ]


def test_a_table_that_could_be_anything_is_refused_alone():
    assert complaints("[nonsense]\nkey = 1\n") == [(1, "unknown table `nonsense`")]


def test_a_table_that_is_there_under_its_right_name_wins():
    assert complaints("[sevices.redis]\nprot = 1\n[services.redis]\nport = 'x'\n") == [
        (1, "unknown table `sevices`"),
        (4, '`port` must be an integer from 1 to 65535, or "auto", found a string'),
    ]
