"""Links that an archive lost, and bytecode that a tree gets before it can't be written to any more."""

import os
import sys
from pathlib import Path

import pytest

from devboot.model.artifact import Layout
from devboot.provision.objects.mending import compile_modules, mend
from devboot.provision.objects.tree import list_tree, tree_digest

LAYOUT = Layout(bin=(("python3", "bin/python3"),), modules=("lib/python3.*",))


@pytest.fixture
def staged(tmp_path):
    def stage(name):
        """A staging directory whose program leads to this interpreter."""
        folder = tmp_path / name
        package = folder / "tree/lib/python3.13/package"
        package.mkdir(parents=True)
        (package / "__init__.py").write_text("NAMES = {'one', 'two', 'three'}\n")
        (package / "broken.py").write_text("def (:\n")
        (folder / "bin").mkdir()
        (folder / "bin/python3").symlink_to(os.path.realpath(sys.executable))
        return folder

    return stage


def test_modules_are_compiled_and_what_cannot_be_is_left(staged):
    staging = staged("one")

    compile_modules(str(staging), LAYOUT)

    compiled = {path.name.partition(".")[0] for path in Path(staging).rglob("*.pyc")}
    assert compiled == {"__init__"}


def test_the_bytes_are_the_same_wherever_it_is_done(staged, monkeypatch):
    digests = set()
    for name, seed in (("one", "1"), ("another/place", "2")):
        monkeypatch.setenv("PYTHONHASHSEED", seed)
        staging = staged(name)
        compile_modules(str(staging), LAYOUT)
        digests.add(tree_digest(list_tree(str(staging / "tree"))))

    assert len(digests) == 1


def test_sets_have_the_same_order_in_every_version_and_no_module_of_the_caller_is_taken(staged, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "compileall.py").write_text("raise SystemExit\n")
    hashes = []
    for name in ("one", "another"):
        staging = staged(name)
        program = staging / "bin/python3"
        real = os.readlink(program)
        program.unlink()
        program.write_text(f'#!/bin/sh\n{real} "$1" -c "print(hash(\'a\'))" >> said\nexec {real} "$@"\n')
        program.chmod(0o755)
        compile_modules(str(staging), LAYOUT)
        hashes.append((staging / "bin/said").read_text())
        assert list(staging.rglob("*.pyc"))

    assert hashes[0] == hashes[1]


def test_without_modules_nothing_is_run(tmp_path):
    compile_modules(str(tmp_path), LAYOUT)  # has no program that could be


def test_a_lost_link_leads_to_the_file_that_its_pattern_matches_and_is_left_out_where_none_does(tmp_path):
    (tmp_path / "lib").mkdir()
    for name in ("libpq.so.5.14", "libz.so.1"):
        (tmp_path / "lib" / name).write_text(name)
    links = (
        ("lib/libpq.so.5", "libpq.so.5.*"),
        ("lib/libz.so.1", "libz.so.1*"),  # is there already
        ("lib/libpq.5.dylib", "libpq.5.*.dylib"),  # of another platform
        ("bin/libpq.so", "../lib/libpq.so.*"),
    )

    mend(str(tmp_path), Layout(bin=(), links=links), str(tmp_path))

    assert os.readlink(tmp_path / "lib/libpq.so.5") == "libpq.so.5.14"
    assert (tmp_path / "bin/libpq.so").read_text() == "libpq.so.5.14"
    assert not (tmp_path / "lib/libz.so.1").is_symlink()
    assert not os.path.lexists(tmp_path / "lib/libpq.5.dylib")
