"""How the tests here unpack: bytes in, a tree or a refusal out."""

import os

import pytest

from devboot.errors import DevbootError
from devboot.unpack import LIMITS, unpack


class Unpacked:
    """Unpacks bytes into a fresh folder each time."""

    def __init__(self, folder):
        self._folder = folder
        self._count = 0

    def __call__(self, data, *, limits=LIMITS, name="toy.tar"):
        """The tree: path → content, or `-> target` for a link; folders that hold nothing end in `/`."""
        self._count += 1
        self.path = self._folder / str(self._count) / "in" / "side"
        self.path.mkdir(parents=True)
        archive = self._folder / f"{self._count}.archive"
        archive.write_bytes(data)
        unpack(str(archive), str(self.path), limits=limits, name=name, search_path=os.environ["PATH"])
        return dict(tree(self.path))

    def refusal(self, data, **options):
        """The slug and the cause of the refusal; nothing may have come to stand beside the folder."""
        with pytest.raises(DevbootError) as caught:
            self(data, **options)
        assert [each.name for each in self.path.parent.iterdir()] == ["side"]
        assert [each.name for each in self.path.parent.parent.iterdir()] == ["in"]
        assert caught.value.exit_code == 5
        assert len(caught.value.what) <= 100
        assert "".join((caught.value.what, *caught.value.causes)).isprintable()
        return caught.value.slug, *caught.value.causes


def tree(folder):
    for parent, folders, files in os.walk(folder):
        for name in files + folders:
            path = os.path.join(parent, name)
            shown = os.path.relpath(path, folder)
            if os.path.islink(path):
                yield shown, f"-> {os.readlink(path)}"
            elif os.path.isfile(path):
                with open(path, "rb") as stream:
                    yield shown, stream.read()
            elif not os.listdir(path):
                yield shown + "/", b""


@pytest.fixture
def unpacked(tmp_path):
    return Unpacked(tmp_path)
