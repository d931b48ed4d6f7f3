"""What `store` and `gc` are told: ages and names of objects."""

import pytest

from devboot.app.commands.housekeeping.gc import parse_age
from devboot.app.commands.housekeeping.store import title_of
from devboot.errors import UsageError
from devboot.provision.collect import LEFTOVER, OBJECT, ROOT, Collected, Piece
from devboot.ui.store import render_collected, render_contents

NAME = "6cv63ptr4yphx5t4-redis-8.2.3"


@pytest.mark.parametrize(
    ("text", "seconds"), [("30d", 2592000.0), ("12h", 43200.0), ("90m", 5400.0), ("2w", 1209600.0), ("1", 86400.0)]
)
def test_an_age_is_a_number_and_a_unit(text, seconds):
    assert parse_age(text) == seconds


@pytest.mark.parametrize("text", ["", "soon", "-1d", "1.5h", "1 d"])
def test_what_is_no_age_is_told(text):
    with pytest.raises(UsageError, match="`--older-than` needs an age"):
        parse_age(text)


def test_an_object_is_called_by_package_and_version():
    assert title_of("6cv63ptr4yphx5t4-mysql-server-8.0.36") == "mysql-server 8.0.36"


def test_a_collection_says_what_went_and_why_the_rest_stays():
    removed = (
        Piece(ROOT, "/home/ada/old", 0, "the project is gone"),
        Piece(OBJECT, NAME, 24_100_000, "nothing uses it"),
        Piece(LEFTOVER, ".staging-6cv63ptr4yphx5t4-x", 900, "left by a killed build"),
    )
    kept = (Piece(OBJECT, NAME.replace("8.2.3", "7.4.2"), 22_000_000, "/home/ada/shop"),)

    assert render_collected(Collected(removed, kept, is_dry=False), "/home/ada") == (
        "removed  record of ~/old                       the project is gone\n"
        "removed  redis 8.2.3                  24.1 MB  nothing uses it\n"
        "removed  .staging-6cv63ptr4yphx5t4-x    900 B  left by a killed build\n"
        "kept     redis 7.4.2                  22.0 MB  ~/shop\n"
        "24.1 MB freed; 1 object kept\n"
    )
    assert render_collected(Collected((), (), is_dry=True), "") == "0 B would be freed; 0 objects kept\n"


def test_contents_are_listed_with_their_users():
    pieces = (Piece(OBJECT, NAME, 24_100_000, ""), Piece(OBJECT, f"{NAME}1", 1, "pid 4711 (redis-server)"))

    assert render_contents(pieces, "/home/ada") == (
        f"{NAME}   24.1 MB  unused\n{NAME}1      1 B  pid 4711 (redis-server)\n2 objects, 24.1 MB\n"
    )
