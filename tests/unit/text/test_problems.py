"""Messages have one shape."""

from __future__ import annotations

from devboot.errors import BusyError, ManifestError, Place
from devboot.text.problems import render_problem


def test_a_whole_message():
    error = BusyError(
        "port/in-use",
        "web cannot listen on 127.0.0.1:8000",
        details=["| a line"],
        causes=["held by `python` (pid 3120)"],
        help=["stop it", "or let devboot choose"],
        kept=["nothing was started"],
    )

    assert render_problem(error) == (
        "error[port/in-use]: web cannot listen on 127.0.0.1:8000\n"
        "  | a line\n"
        "cause: held by `python` (pid 3120)\n"
        "help: stop it\n"
        "help: or let devboot choose\n"
        "kept: nothing was started\n"
    )


def test_the_caret_stands_under_the_token_behind_wide_characters():
    place = Place("devboot.toml", 9, 5, width=4, label="not a key", source="日本 prot = 1", context=[(8, "[services]")])

    assert render_problem(ManifestError("manifest/unknown-key", "unknown key `prot`", place=place)) == (
        "error[manifest/unknown-key]: unknown key `prot`\n"
        "  --> devboot.toml:9:5\n"
        "   |\n"
        " 8 | [services]\n"
        " 9 | 日本 prot = 1\n"
        "   |       ^^^^ not a key\n"
        "   |\n"
    )
