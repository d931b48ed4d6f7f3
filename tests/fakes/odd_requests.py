"""Whatever a client could send to a daemon: frames of any kind, JSON of any shape, plans with anything in them."""

from __future__ import annotations

import json

from hypothesis import strategies as some

from devboot.daemon.clients.request import Request, View
from devboot.daemon.server.handlers import HANDLERS
from devboot.wire import frames, greeting

ENDING = {"down", "stop-all", "force"}  # rightly end everything
ODD = "odd"  # the process that requests may stop, change and remove

_NUMBERS = some.sampled_from([0, -1, 1, 10, 65535, 65536, 70_000, 2**31, 2**63, -(2**64), 10**400])
_FLOATS = some.sampled_from([0.5, -1.0, 1e300, float("inf"), float("-inf"), float("nan")])
_TEXTS = some.sampled_from(["", "x", "\ud800", "\0", "a" * 300, "\x1b[2J", "clock", "/", "é"])
_LEAVES = some.none() | some.booleans() | _NUMBERS | _FLOATS | _TEXTS
VALUES = some.recursive(
    _LEAVES, lambda inner: some.lists(inner, max_size=4) | some.dictionaries(_TEXTS, inner, max_size=3), max_leaves=8
)
_NAMES = VALUES | some.lists(some.sampled_from([ODD, "nobody", "odd.1", "\x1b]52;c;x\x07", ""]), max_size=3)


def _views() -> some.SearchStrategy[object]:
    return VALUES | some.fixed_dictionaries({}, optional=dict.fromkeys(View._fields, _LEAVES))


@some.composite
def _plans(draw, plain):
    """The plan `plain` with anything in one place of its second process, or anything at all."""
    if draw(some.booleans()):
        return draw(VALUES)
    plan = json.loads(json.dumps(plain))
    spec = plan[4][1]
    for _ in range(draw(some.integers(0, 2))):
        spec[draw(some.integers(0, len(spec) - 1))] = draw(VALUES)
    return plan


def messages(plain):
    """Requests of all commands that don't end everything, and values that are none."""
    rest = {name: VALUES for name in Request._fields if name not in ("command", "names", "view", "plan")}
    commands = some.sampled_from([*sorted(HANDLERS.keys() - ENDING), "", "dance", "launch"]) | VALUES
    optional = {**rest, "names": _NAMES, "view": _views(), "plan": _plans(plain), "odd": VALUES}
    return some.fixed_dictionaries({"command": commands}, optional=optional).filter(_is_harmless) | VALUES


def _is_harmless(message):
    return message["command"] not in ("restart", "have") or ODD in str(message.get("names"))


def conversations(plain):
    """All that one client sends, as bytes in pieces."""
    hello = some.sampled_from([greeting.greeting("0.0"), b"devboot 0 x", b"devboot 2 9", b"devboot", b"\xff" * 300])
    good = some.just(frames.frame(frames.HELLO, greeting.greeting("0.1.0")))
    message = messages(plain).map(lambda value: frames.frame(frames.MESSAGE, json.dumps(value).encode()))
    kinds = some.sampled_from([bytes([kind]) for kind in frames.KINDS])
    frame = some.builds(frames.frame, kinds, some.binary(max_size=60))
    header = some.builds(frames.header, kinds | some.binary(min_size=1, max_size=1), some.sampled_from([0, 9, 2**31]))
    anything = (
        hello.map(lambda payload: frames.frame(frames.HELLO, payload)) | frame | header | some.binary(max_size=40)
    )
    return some.tuples(good | anything, some.lists(message | message | anything, max_size=5)).map(
        lambda parts: b"".join([parts[0], *parts[1]])
    )
