"""Names as people type them."""

from __future__ import annotations

import pytest

from devboot.errors import UsageError
from devboot.supervisor.core.name_patterns import expand

KNOWN = ("redis", "web.1", "web.2", "webhook", "worker", "b.c")


@pytest.mark.parametrize(
    ("patterns", "names"),
    [
        (["worker"], ("worker",)),
        (["worker", "redis"], ("redis", "worker")),
        (["web*"], ("web.1", "web.2", "webhook")),
        (["web"], ("web.1", "web.2")),
        (["web.2"], ("web.2",)),
        (["*"], KNOWN),
        (["w?rker", "[r]edis"], ("redis", "worker")),
        (["b"], None),
        ([], ()),
    ],
)
def test_patterns_mean_names(patterns, names):
    if names is None:
        with pytest.raises(UsageError):
            expand(patterns, KNOWN)
    else:
        assert expand(patterns, KNOWN) == names


def test_a_name_that_means_nothing_is_refused_with_the_nearest():
    with pytest.raises(UsageError) as caught:
        expand(["wroker"], KNOWN)

    assert caught.value.slug == "usage/unknown-name"
    assert caught.value.what == "no process matches `wroker`"
    assert caught.value.help == (
        "did you mean `worker`?", "there are `redis`, `web.1`, `web.2`, `webhook`, `worker`, `b.c`",
    )  # fmt: skip
