"""Which wheels fit which interpreter."""

import pytest

from devboot.environment.locks.pins import Pin
from devboot.environment.python.interpreters import missing_wheels
from devboot.environment.python.wheel_tags import fits
from devboot.uv.pythons import Installed


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("six-1.17.0-py2.py3-none-any.whl", True),
        ("a-1-py3-none-any.whl", True),
        ("a-1-py2-none-any.whl", False),
        ("a-1-cp312-cp312-manylinux_2_17_x86_64.manylinux2014_x86_64.whl", True),
        ("a-1-cp311-cp311-manylinux_2_17_x86_64.whl", False),
        ("a-1-cp313-cp313-manylinux_2_17_x86_64.whl", False),
        ("a-1-cp39-abi3-manylinux_2_28_x86_64.whl", True),
        ("a-1-cp313-abi3-manylinux_2_28_x86_64.whl", False),
        ("a-1-cp312-cp312-musllinux_1_2_x86_64.whl", False),
        ("a-1-cp312-cp312-manylinux_2_17_aarch64.whl", False),
        ("a-1-cp312-cp312-macosx_11_0_arm64.whl", False),
        ("a-1-2-cp312-cp312-linux_x86_64.whl", True),
        ("a-1-cp312-cp312t-manylinux_2_17_x86_64.whl", False),
        ("a-1-py3-none-manylinux_2_17_x86_64.whl", True),
        ("nonsense.whl", False),
    ],
)
def test_tags_are_compared_on_linux(name, expected):
    assert expected == fits(name, (3, 12), "linux", "x86_64", "manylinux")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a-1-cp312-cp312-macosx_11_0_arm64.whl", True),
        ("a-1-cp312-cp312-macosx_10_9_universal2.whl", True),
        ("a-1-cp312-cp312-macosx_10_9_x86_64.whl", False),
    ],
)
def test_tags_are_compared_on_macos(name, expected):
    assert expected == fits(name, (3, 12), "darwin", "arm64", "")


def test_a_package_is_missed_only_where_it_applies_and_has_wheels_at_all():
    pins = [
        Pin("pure", "1", files=("pure-1-py3-none-any.whl",)),
        Pin("sourceonly", "1", files=("sourceonly-1.tar.gz",)),
        Pin("old", "1", files=("old-1-cp38-cp38-win32.whl",)),
        Pin("other", "1", 'python_version < "3.9"', files=("other-1-cp38-cp38-win32.whl",)),
        Pin("unknown", "1"),
    ]

    assert ("old",) == missing_wheels(Installed("/p", "3.12.4", "cpython"), pins)
