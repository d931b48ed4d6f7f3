"""The fidelity report on screens of different widths."""

import pytest

from devboot.onboarding.compose_import.fidelity import Fidelity
from devboot.text.columns import cells
from devboot.ui.fidelity import render_fidelity

REPORT = (
    Fidelity("compose.yaml", 3, "services.db.image", "native", "[services.postgres] 16"),
    Fidelity(
        "compose.yaml", 4, "services.db.environment.POSTGRES_INITDB_ARGS", "no equivalent", "the recipe doesn't read it"
    ),
    Fidelity(
        "compose.yaml",
        12,
        "services.search.image",
        "left in Docker",
        "no recipe runs it: `docker compose up -d search`",
    ),
    Fidelity(
        "docker/more.yaml", 120, "services.web.healthcheck", "approximated", "`ready`; a part of it isn't needed here"
    ),
)


def test_in_a_pipe_each_entry_is_one_line_and_the_percentage_is_last():
    assert render_fidelity(REPORT) == (
        """\
compose.yaml:3        services.db.image                             native          [services.postgres] 16
compose.yaml:4        services.db.environment.POSTGRES_INITDB_ARGS  no equivalent   the recipe doesn't read it
compose.yaml:12       services.search.image                         left in Docker  no recipe runs it: `docker compose up -d search`
docker/more.yaml:120  services.web.healthcheck                      approximated    `ready`; a part of it isn't needed here

50 % of 4 entries are native or approximated: 1 native, 1 approximated, 1 left in Docker, 1 no equivalent
"""  # noqa: E501
    )


@pytest.mark.parametrize("width", [44, 80, 200])
def test_no_line_is_wider_than_the_screen_and_nothing_is_lost(width):
    text = render_fidelity(REPORT, width=width)

    assert max(map(cells, text.splitlines())) <= width
    words = text.split()
    for each in REPORT:
        assert [word for word in (each.place, *each.text.split(), *each.verdict.split()) if word not in words] == []


def test_a_narrow_screen_has_the_text_below_its_key():
    assert render_fidelity(REPORT[:2], width=60).splitlines() == [
        "compose.yaml:3  native  services.db.image",
        "    [services.postgres] 16",
        "compose.yaml:4  no equivalent",
        "    services.db.environment.POSTGRES_INITDB_ARGS",
        "    the recipe doesn't read it",
        "",
        "50 % of 2 entries are native or approximated: 1 native, 1 no",
        "equivalent",
    ]
    fits = "compose.yaml:3  native  services.db.image  [services.postgres] 16"
    assert render_fidelity(REPORT[:2], width=80).splitlines()[0] == fits


def test_hostile_keys_are_shown_as_escapes_and_an_empty_report_is_whole():
    assert "services.\\x1b[2J.image" in render_fidelity([Fidelity("a", 1, "services.\x1b[2J.image", "native", "x")])
    assert "100 % of 0 entries" in render_fidelity([])
