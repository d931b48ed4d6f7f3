"""The fast path looks at arguments and folders, and leaves everything unusual to the long way."""

from __future__ import annotations

import pytest

from devboot.__main__ import _leading, find_root


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
    assert (_leading(argv)[0], list(_leading(argv)[1])) == (directory, rest)


def test_the_nearest_folder_with_a_manifest_written_or_detected_is_the_root(tmp_path):
    inner = tmp_path / "outer" / "inner" / "deep"
    inner.mkdir(parents=True)
    (tmp_path / "outer" / "devboot.toml").touch()
    assert find_root(str(inner)) == str(tmp_path / "outer")

    (tmp_path / "outer" / "inner" / ".devboot").mkdir()
    (tmp_path / "outer" / "inner" / ".devboot" / "detected.toml").touch()
    assert find_root(str(inner)) == str(tmp_path / "outer" / "inner")


def test_without_a_manifest_there_is_no_root(tmp_path):
    assert find_root(str(tmp_path)) == ""


def test_a_folder_that_is_not_there_has_the_root_above_it(tmp_path):
    (tmp_path / "devboot.toml").touch()

    assert find_root(str(tmp_path / "gone" / "deeper")) == str(tmp_path)
