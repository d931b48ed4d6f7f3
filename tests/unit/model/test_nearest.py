"""Nearest matches: what somebody probably meant, and nothing when nothing is near."""

import pytest

from devboot.model.nearest import nearest


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("prot", "port"),
        ("proceses", "processes"),
        ("prosesses", "processes"),
        ("Port", "port"),
        ("depends-on", "depends_on"),
        ("dependson", "depends_on"),
        ("reddis", "redis"),
        ("redi", "redis"),
        ("port", "port"),
        ("xyz", None),
        ("p", None),
        ("", None),
        ("portland", None),
    ],
)
def test_the_nearest_word_is_meant(word, expected):
    assert expected == nearest(word, ["processes", "redis", "port", "depends_on", "project"])


def test_equally_near_words_give_way_to_the_first_of_the_alphabet():
    assert "web-1" == nearest("web-3", ["web-2", "web-1"])


def test_a_nearer_word_wins_wherever_it_stands():
    assert "worker" == nearest("workr", ["works", "worker", "wrkr"])
