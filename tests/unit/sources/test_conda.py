"""The conda source without its library."""

import importlib.util
import sys

import pytest

from devboot.errors import MachineError
from devboot.model.artifact import PLATFORMS, Artifact, Part
from devboot.sources.conda import CondaSource


@pytest.mark.skipif(importlib.util.find_spec("rattler") is not None, reason="the extra is installed")
def test_without_the_extra_the_way_to_it_is_said(tmp_path):
    part = Part("toy", "8.2.1-h0_0", "linux-64/toy-8.2.1-h0_0.conda", "a" * 64, 1)
    artifact = Artifact("conda", "toy", "8.2.1", "", "", 1, files=(part,), address="forge")
    with pytest.raises(MachineError) as caught:
        CondaSource(str(tmp_path)).fetch(artifact, PLATFORMS[0], str(tmp_path / "into"))

    assert caught.value.slug == "conda/not-installed"
    assert tuple(caught.value.help) == (
        "uv tool install --force 'devboot[conda]'",
        f"uv pip install --python {sys.executable} 'py-rattler>=0.28'",
    )
