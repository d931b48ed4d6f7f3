"""A terminal that was lent to a program is taken back as it was."""

from __future__ import annotations

import pytest

from devboot.app.screen.terminal_state import TerminalState


@pytest.mark.parametrize(
    ("written", "undone"),
    [
        (b"plain text\n", b""),
        (b"\x1b[31mred", b"\x1b[0m"),
        (b"\x1b[?1049h\x1b[?25lvim", b"\x1b[?1049l\x1b[?25h\x1b[0m"),
        (b"\x1b[?1049h\x1b[?25lvim\x1b[?1049l\x1b[?25h", b"\x1b[0m"),
        (b"\x1b[?1000;1006hmouse", b"\x1b[?1000l\x1b[?1006l\x1b[0m"),
        (b"\x1b[?1h\x1b=keys", b"\x1b[?1l\x1b>\x1b[0m"),
        (b"\x1b[?1h\x1b=keys\x1b[?1l\x1b>", b"\x1b[0m"),
        (b"\x1b[?2004h", b"\x1b[?2004l\x1b[0m"),
        (b"\x1b[?u\x1b[?25$p asks", b"\x1b[0m"),
        (b"\x1b[?7l no wrapping", b"\x1b[?7h\x1b[0m"),
    ],
)
def test_what_was_switched_is_switched_back(written, undone):
    whole, in_bytes = TerminalState(), TerminalState()
    whole.follow(written)
    for number in range(len(written)):
        in_bytes.follow(written[number : number + 1])

    assert (undone, undone) == (whole.reset_sequence(), in_bytes.reset_sequence())
