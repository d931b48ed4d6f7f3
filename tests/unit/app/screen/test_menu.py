"""The keys of the live terminal, without one."""

from __future__ import annotations

import pytest

from devboot.app.screen.menu import ATTACH, DETACH, FILTER, PAUSE, RESTART, RESUME, Action, Facts, Menu, help_text

NAMES = ("redis", "web.1", "web.2", "worker")


@pytest.fixture
def menu():
    made = Menu()
    made.facts = Facts(NAMES, ("web.1", "web.2", "worker"))
    return made


def test_the_line_fits_eighty_columns_and_names_every_key(menu):
    assert menu.line(80) == " d detach   r restart   f filter   a attach   p pause   ? keys   ctrl-c stop"


def test_the_help_of_the_keys_says_where_the_pages_are():
    said = help_text(
        Facts(NAMES, addresses=(("web.1", "http://127.0.0.1:5000"), ("a-long-name", "http://127.0.0.1:1")))
    )

    assert said.startswith("\nd       detach: ")
    assert said.endswith("\n\nweb.1        http://127.0.0.1:5000\na-long-name  http://127.0.0.1:1\n\n")
    assert help_text(Facts(NAMES)).endswith("\nctrl-c  stop everything\n\n")


def test_a_narrow_terminal_keeps_what_is_needed_most(menu):
    assert menu.line(30) == " ? keys   ctrl-c stop"
    assert menu.line(40) == " d detach   ? keys   ctrl-c stop"


def test_what_does_not_fit_is_left_out_as_a_whole_since_the_last_column_stays_free(menu):
    for width in range(24, 100):
        line = menu.line(width)
        assert len(line) < width
        assert set(line.strip().split("   ")) <= set(menu.line(200).strip().split("   "))
    menu.press(b"r")
    assert menu.line(44) == " restart: _   redis ...   (enter, esc)"
    for width in range(34, 100):
        assert len(menu.line(width)) < width
        assert menu.line(width).endswith("   (enter, esc)")


def test_a_key_that_the_notice_names_is_not_offered_twice(menu):
    menu.facts = menu.facts._replace(down=("worker",))
    assert menu.line(120) == (
        " ! worker gave up: r restarts   d detach   f filter   a attach   p pause   ? keys   ctrl-c stop"
    )


@pytest.mark.parametrize(
    ("typed", "names"),
    [
        (b"wo", ("worker",)),
        (b"web.2", ("web.2",)),
        (b"web*", ("web.1", "web.2")),
        (b"web", ("web.1", "web.2")),
        (b"ork", ("worker",)),
        (b"redis worker", ("redis", "worker")),
    ],
)
def test_a_restart_takes_names_beginnings_parts_and_wildcards(menu, typed, names):
    assert menu.press(b"r" + typed + b"\r") == [Action(RESTART, names)]


def test_nothing_typed_restarts_nothing_and_escape_goes_back(menu):
    assert menu.press(b"r\r") == []
    assert menu.press(b"\x1b") == []
    assert menu.press(b"d") == [Action(DETACH)]


def test_an_unknown_name_is_said_while_it_is_typed(menu):
    assert menu.press(b"rx\r") == []
    assert menu.line(80) == " restart: x_   no such process   (enter, esc)"


def test_a_filter_is_shown_and_taken_away_again(menu):
    assert menu.press(b"fweb\r") == [Action(FILTER, ("web.1", "web.2"))]
    assert menu.line(80).startswith(" only web.1, web.2: f changes   ")
    assert menu.press(b"f\r") == [Action(FILTER)]
    assert menu.line(80).startswith(" d detach")


def test_a_pause_ends_with_the_same_key(menu):
    assert menu.press(b"p") == [Action(PAUSE)]
    assert menu.line(80).startswith(" paused: p resumes   ")
    assert menu.press(b"p") == [Action(RESUME)]


def test_the_attach_key_goes_straight_to_the_debugger(menu):
    menu.facts = menu.facts._replace(prompts={"web.2": "pdb"})

    assert menu.line(80).startswith(" ! web.2 is in pdb: a attaches   ")
    assert menu.press(b"a") == [Action(ATTACH, ("web.2",))]


def test_keys_that_mean_nothing_do_nothing(menu):
    assert menu.press(b"xyz") == []
    assert menu.press(b"\x1b[A") == []
    assert [each.kind for each in menu.press(b"\x1bd")] == [DETACH]  # typed fast, or read late


def test_who_gave_up_is_named_until_there_is_something_else_to_say(menu):
    menu.facts = menu.facts._replace(down=("web.1", "worker"))

    assert menu.line(80).startswith(" ! web.1, worker gave up: r restarts   ")
    menu.edited = ".env changed: u applies"
    assert menu.line(80).startswith(" ! .env changed: u applies   ")


def test_ctrl_c_is_called_what_it_does_for_whoever_has_joined():
    made = Menu()
    made.facts = Facts(NAMES)
    assert made.line(80).endswith("ctrl-c stop")
    made.has_joined = True
    assert made.line(80).endswith("ctrl-c leave")
    assert help_text(Facts(NAMES), has_joined=True).endswith("\nctrl-c  leave it running, or stop everything\n\n")
