"""os-release → the release that packages are locked for."""

import pytest

from devboot.provision.distribution import this_distribution


@pytest.mark.parametrize(
    ("text", "release"),
    [
        ('NAME="Debian GNU/Linux"\nVERSION_ID="13"\nID=debian\n', "debian-13"),
        ("ID=ubuntu\nVERSION_ID='24.04'\n", "ubuntu-24.04"),
        ("ID=arch\n", ""),
        ("", ""),
    ],
)
def test_a_release_is_a_name_and_a_version(text, release, tmp_path):
    (tmp_path / "os-release").write_text(text)

    assert this_distribution(str(tmp_path)) == release


def test_a_machine_that_does_not_say_has_none(tmp_path):
    assert this_distribution(str(tmp_path)) == ""
