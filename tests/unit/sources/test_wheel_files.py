"""Which wheel serves which platform."""

import pytest

from devboot.sources.wheel_files import best_wheels, macos_tag
from devboot.uv.listing import ListedFile


def chosen(*names):
    wheels = [ListedFile(f"toy-1-{name}.whl", "0" * 64, 1) for name in names]
    return {platform: wheel.name[6:-4] for platform, wheel in best_wheels(wheels).items()}


def test_the_lowest_floor_of_each_platform_wins():
    assert chosen(
        "py3-none-manylinux_2_28_x86_64",
        "py3-none-manylinux_2_17_x86_64.manylinux2014_x86_64",
        "py3-none-manylinux_2_28_aarch64",
        "py3-none-macosx_14_0_arm64",
        "py3-none-macosx_11_0_arm64",
        "py3-none-macosx_10_9_x86_64",
    ) == {
        "linux-x86_64": "py3-none-manylinux_2_17_x86_64.manylinux2014_x86_64",
        "linux-aarch64": "py3-none-manylinux_2_28_aarch64",
        "macos-arm64": "py3-none-macosx_11_0_arm64",
        "macos-x86_64": "py3-none-macosx_10_9_x86_64",
    }


def test_a_universal_wheel_serves_both_kinds_of_mac():
    assert chosen("py3-none-macosx_11_0_universal2") == {
        "macos-arm64": "py3-none-macosx_11_0_universal2",
        "macos-x86_64": "py3-none-macosx_11_0_universal2",
    }


def test_of_equal_floors_the_newest_python_counts_whatever_the_order():
    names = [f"cp3{minor}-cp3{minor}-manylinux2014_x86_64" for minor in (9, 13, 10)]

    assert chosen(*names) == chosen(*reversed(names)) == {"linux-x86_64": "cp313-cp313-manylinux2014_x86_64"}


@pytest.mark.parametrize(
    "name",
    ["py3-none-any", "py3-none-musllinux_1_2_x86_64", "py3-none-win_amd64", "py3-none-manylinux_2_17_riscv64"],
)
def test_files_for_other_machines_serve_none(name):
    assert chosen(name) == {}


@pytest.mark.parametrize(
    ("name", "floor"),
    [("toy-1-py3-none-macosx_10_9_universal2.macosx_11_0_arm64.whl", "10.9"), ("toy-1-py3-none-any.whl", "")],
)
def test_the_floor_in_a_name_is_told(name, floor):
    assert macos_tag(name) == floor
