"""The conda source without its library."""

import importlib.util
import sys
from importlib.metadata import PackageNotFoundError
from types import SimpleNamespace

import pytest

from devboot.errors import DevbootError, MachineError
from devboot.model.artifact import PLATFORMS, Artifact, Part
from devboot.sources.conda import CondaSource, not_installed, solve


@pytest.mark.skipif(importlib.util.find_spec("rattler") is not None, reason="the extra is installed")
def test_without_the_extra_the_way_to_it_is_said(tmp_path):
    part = Part("toy", "8.2.1-h0_0", "linux-64/toy-8.2.1-h0_0.conda", "a" * 64, 1)
    artifact = Artifact("conda", "toy", "8.2.1", "", "", 1, files=(part,), address="forge")
    with pytest.raises(MachineError) as caught:
        CondaSource(str(tmp_path)).fetch(artifact, PLATFORMS[0], str(tmp_path / "into"))

    assert caught.value.slug == "conda/not-installed"
    assert caught.value.help[0].endswith(f"uv pip install --python {sys.executable} 'py-rattler>=0.28'")


@pytest.mark.parametrize(
    ("said", "slug", "what"),
    [
        (
            "failed to fetch\nHTTP status client error (404 Not Found) for url (https://me:secret@forge.example.test/x)",
            "network/http-404",
            "forge.example.test answered 404 to the request for toy >=8",
        ),
        (
            "HTTP status server error (503 Service Unavailable)",
            "network/http-503",
            "the conda channel answered 503 to the request for toy >=8",
        ),
        ("dns error", "network/unreachable", "could not fetch toy >=8 from its conda channel"),
        ("hash mismatch", "integrity/hash-mismatch", "`toy >=8` is not the file that was locked"),
        ("something new", "conda/failed", "could not install toy >=8"),
    ],
)
def test_a_failure_of_the_library_is_told_by_its_kind(said, slug, what, tmp_path, monkeypatch):
    def gateway(**_):
        raise RuntimeError(said)

    monkeypatch.setitem(sys.modules, "rattler", SimpleNamespace(Gateway=gateway))
    with pytest.raises(DevbootError) as caught:
        solve("https://forge.example.test", "toy >=8", PLATFORMS[0], str(tmp_path))

    assert (caught.value.slug, caught.value.what) == (slug, what)
    assert caught.value.help


@pytest.mark.parametrize(
    ("origin", "advice"),
    [
        (None, ("uv tool install --force 'devboot[conda]'",)),
        (
            '{"url": "file:///home/ada/dev%20boot", "dir_info": {}}',
            ("uv tool install --force '/home/ada/dev boot[conda]'",),
        ),
        (PackageNotFoundError, ()),
    ],
)
def test_the_extra_is_advised_from_where_devboot_was_installed(origin, advice, monkeypatch):
    def distribution(name):
        assert name == "devboot"
        if origin is PackageNotFoundError:
            raise PackageNotFoundError(name)
        return SimpleNamespace(read_text=lambda _: origin)

    monkeypatch.setattr("importlib.metadata.distribution", distribution)

    assert not_installed("it is missing").help[1:] == advice
