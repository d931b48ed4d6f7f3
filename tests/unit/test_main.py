"""The fast path looks at arguments and folders, and leaves everything unusual to the long way."""

from __future__ import annotations

import pytest

from devboot.__main__ import leading


@pytest.mark.parametrize(
    ("argv", "directory", "rest"),
    [
        (["ps"], "", ["ps"]),
        (["-C", "sub", "ps", "-a"], "sub", ["ps", "-a"]),
        (["-C", "a", "-q", "-C", "b", "up", "-d"], "a/b", ["up", "-d"]),
        (["--no-color", "run", "--", "ls", "-C"], "", ["run", "--", "ls", "-C"]),
        ([], "", []),
        (["--version"], "", []),
        (["-C"], "", []),
        (["--unknown", "ps"], "", []),
    ],
)
def test_global_flags_before_the_command_are_taken_and_unknown_ones_leave_nothing(argv, directory, rest):
    assert (leading(argv)[0], list(leading(argv)[1])) == (directory, rest)
