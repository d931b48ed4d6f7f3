"""uv's lines as texts of a step."""

import pytest

from devboot.environment.venv_progress import progress_text


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("Resolved 61 packages in 4ms", "61 packages"),
        ("Resolved 1 package in 4ms", "1 package"),
        ("Downloading django (8.0MiB)", "fetching django, 8.0 MiB"),
        (
            "Downloading cpython-3.14.1-linux-x86_64-gnu (download) (33.1MiB)",
            "fetching cpython-3.14.1-linux-x86_64-gnu, 33.1 MiB",
        ),
        ("Building pathtools==0.1.2", "building pathtools 0.1.2"),
        ("Building lib @ file:///project/lib", "building lib"),
        ("Updating https://git.example.test/a/tool.git (main)", "fetching tool"),
        ("Prepared 6 packages in 1.2s", "installing 6 packages"),
        ("Installed 6 packages in 12ms", ""),
        ("+ django==5.2", ""),
    ],
)
def test_lines_that_tell_something_become_short_texts(line, expected):
    assert expected == progress_text(line)
