"""What generations keep beside their objects."""

import os

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
