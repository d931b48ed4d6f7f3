"""Generated files in a folder of the user's: ours are replaced, others' never."""

import os

import pytest

from devboot.app.generated_files import WrittenFile, write_generated
from devboot.errors import UsageError


class Folder:
    def __init__(self, path):
        self.path = path
        self.record = str(path / "state/exports.json")

    def write_generated(self, files, *, is_forced=False):
        laid = [WrittenFile(name, text, 0o600) for name, text in files.items()]
        return write_generated(laid, str(self.path / "out"), self.record, at=0.0, is_forced=is_forced)

    def texts(self):
        out = self.path / "out"
        return {str(each.relative_to(out)): each.read_text() for each in out.rglob("*") if each.is_file()}


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path)


def test_files_are_written_with_their_modes_and_left_alone_when_equal(folder):
    first, again = folder.write_generated({"a": "1", "in/b": "2"}), folder.write_generated({"a": "1", "in/b": "3"})

    assert (("a", "in/b"), ()) == (first.written, first.unchanged)
    assert (("in/b",), ("a",)) == (again.written, again.unchanged)
    assert {"a": "1", "in/b": "3"} == folder.texts()
    assert 0o600 == os.stat(folder.path / "out/in/b").st_mode & 0o777


def test_what_was_written_before_and_is_not_wanted_any_more_goes_unless_it_was_edited(folder):
    folder.write_generated({"a": "1", "b": "2", "c": "3"})
    (folder.path / "out/c").write_text("mine")
    (folder.path / "out/other").write_text("mine")

    assert ("b",) == folder.write_generated({"a": "1"}).removed
    assert {"a": "1", "c": "mine", "other": "mine"} == folder.texts()


def test_a_file_of_somebody_else_is_refused_before_anything_is_written(folder):
    (folder.path / "out").mkdir()
    (folder.path / "out/b").write_text("mine")

    with pytest.raises(UsageError, match="export/exists"):
        folder.write_generated({"a": "1", "b": "2"})

    assert {"b": "mine"} == folder.texts()


def test_an_edited_file_is_moved_aside_when_forced(folder):
    folder.write_generated({"a": "1"})
    (folder.path / "out/a").write_text("edited")

    done = folder.write_generated({"a": "2"}, is_forced=True)

    ((path, name),) = done.aside
    assert {"a": "2", name: "edited"} == folder.texts()
    assert "a" == path


def test_a_file_that_is_as_it_should_be_is_nobodys_loss(folder):
    (folder.path / "out").mkdir()
    (folder.path / "out/a").write_text("1")

    assert ("a",) == folder.write_generated({"a": "1"}).unchanged
