"""uv's lines as texts of a step."""

import pytest

from devboot.environment.venv.progress import Progress, progress_text


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("Resolved 61 packages in 4ms", "preparing packages"),
        ("Resolved 1 package in 4ms", "preparing packages"),
        ("Prepared 1 package in 4ms", "installing; 1 package fetched or built"),
        ("Downloading django (8.0MiB)", "fetching django, 8.0 MiB"),
        (
            "Downloading cpython-3.14.1-linux-x86_64-gnu (download) (33.1MiB)",
            "fetching cpython-3.14.1-linux-x86_64-gnu, 33.1 MiB",
        ),
        ("Updating https://git.example.test/a/tool.git (main)", "fetching tool"),
        ("Prepared 6 packages in 1.2s", "installing; 6 packages fetched or built"),
        ("Installed 6 packages in 12ms", ""),
        ("+ django==5.2", ""),
    ],
)
def test_lines_that_tell_something_become_short_texts(line, expected):
    assert expected == progress_text(line)


def test_of_several_builds_the_one_that_goes_on_is_named():
    progress = Progress()
    lines = (
        ("Building pathtools==0.1.2", "building pathtools 0.1.2"),
        ("Building lib @ file:///project/lib", "building pathtools 0.1.2 and 1 other"),
        ("Building slow==1.0", "building pathtools 0.1.2 and 2 others"),
        ("Downloading django (8.0MiB)", "fetching django, 8.0 MiB"),
        ("Built pathtools==0.1.2", "building lib and 1 other"),
        ("Built lib @ file:///project/lib", "building slow 1.0"),
        ("Built slow==1.0", ""),
    )
    assert [progress.text(line) for line, _ in lines] == [text for _, text in lines]
