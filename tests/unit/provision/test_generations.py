"""What generations keep beside their objects."""

import os

import pytest

from devboot.provision import generations
from devboot.provision.generations import salt


def test_the_salt_is_made_once_and_is_nobody_elses_to_read(tmp_path):
    state = str(tmp_path / "state")

    first = salt(state)

    assert 32 == len(first)
    assert first == salt(state)
    assert first != salt(str(tmp_path / "other"))
    (file,) = [path for path in (tmp_path / "state").rglob("*") if path.is_file()]
    assert 0o600 == os.stat(file).st_mode & 0o777
    file.write_text("")  # as a full disk leaves it
    assert first != salt(state)


@pytest.mark.faults(42)
@pytest.mark.parametrize("line", [b"[" * 200_000, b"{", b"\xff", b'{"format": 2, "at": "x"}', b""])
def test_a_damaged_generation_counts_as_missing_and_the_others_stay(tmp_path, line):
    state = str(tmp_path)
    generations.append(state, 1.0, "one", (), {"a": 1})
    (tmp_path / "generations" / "2").write_bytes(line + b"\n" + line)

    assert [facts.number for facts in generations.all_facts(state)] == [1]
    assert generations.read(state, 2) is None
    assert generations.read(state, 1).body == {"a": 1}
