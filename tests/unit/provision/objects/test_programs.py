"""Scripts of an object: they find it wherever it is, and pass on words as they are."""

import os
import subprocess
from pathlib import Path

import pytest

from devboot.errors import IntegrityError
from devboot.model.artifact import PLATFORMS, Artifact, Layout, Wanted
from devboot.provision.objects.mending import mend
from devboot.provision.objects.programs import write_programs
from devboot.provision.objects.realise import object_name

ARTIFACT = Artifact("memory", "toy", "1.0.0", "toy.whl", "0" * 64, 1)
SHOW = '#!/bin/sh\nfor word in "$@"; do echo "<$word>"; done\necho "$0 ${HOME_OF_TOY:-}"\n'


def wanted(python="", **layout):
    bin_ = layout.pop("bin", (("show", "lib/show"),))
    return Wanted("toy", "1.0.0", 1, PLATFORMS[0], ARTIFACT._replace(python=python), Layout(bin_, **layout))


@pytest.fixture
def staging(tmp_path):
    place = tmp_path / "with blank/store/object"
    (place / "tree/lib").mkdir(parents=True)
    (place / "tree/lib/show").write_text(SHOW)
    return place


def said(*command, **more):
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60, **more).stdout.splitlines()


def test_a_script_finds_its_object_through_links_and_from_any_folder(staging, tmp_path):
    write_programs(str(staging), wanted(shims=(("npm", "{bin}/show {tree}/npm.js 'two words' 'a$b'"),)))
    (tmp_path / "one").symlink_to(staging / "bin/npm")
    (tmp_path / "two").symlink_to("one")
    (tmp_path / "moved").mkdir()

    expected = [f"<{staging}/tree/npm.js>", "<two words>", "<a$b>", '<more `x` "y">', f"{staging}/bin/show "]
    for program in (staging / "bin/npm", tmp_path / "two"):
        assert said(program, 'more `x` "y"', cwd=tmp_path / "moved") == expected
    assert said("npm", 'more `x` "y"', env={"PATH": f"{staging}/bin:{os.environ['PATH']}"}) == expected


def test_variables_stand_before_every_program(staging):
    write_programs(str(staging), wanted(env=(("HOME_OF_TOY", "{tree}/home"),)))

    assert said(staging / "bin/show", "x") == ["<x>", f"{staging}/tree/lib/show {staging}/tree/home"]


def test_without_variables_a_program_is_a_link(staging):
    write_programs(str(staging), wanted())

    assert os.readlink(staging / "bin/show") == "../tree/lib/show"


def test_an_app_runs_on_the_interpreter_that_is_named_beside_the_store(staging):
    write_programs(str(staging), wanted(python="3.12", shims=(("mail", "{python} -m mail"),), bin=()))
    pythons = staging.parent.parent / "pythons/3.12"
    pythons.mkdir(parents=True)
    fake = staging.parent / "python"
    fake.write_text('#!/bin/sh\necho "$@"\necho "$PYTHONPATH"\ncd "${PYTHONPYCACHEPREFIX%/*}" && pwd -P\n')
    fake.chmod(0o755)
    (pythons / "path").write_text(f"{fake}\n")

    assert said(staging / "bin/mail", "-n") == ["-m mail -n", f"{staging}/tree", str(pythons)]


def test_without_that_interpreter_the_one_on_path_is_taken(staging, tmp_path):
    write_programs(str(staging), wanted(python="3.12", shims=(("mail", "{python} -m mail"),), bin=()))
    (tmp_path / "python3.12").write_text('#!/bin/sh\necho "found $@"\n')
    (tmp_path / "python3.12").chmod(0o755)

    assert said(staging / "bin/mail", env={"PATH": f"{tmp_path}:{os.environ['PATH']}"}) == ["found -m mail"]


def test_links_and_paths_are_mended(staging):
    tree = staging / "tree"
    (tree / "erl").write_text("ROOT=/usr/lib/erlang\n")
    links = (("lib/deep/libtoy.so", "../libtoy.so.1"),)
    mend(str(tree), Layout((), links=links, substitute=(("er?", ("=/usr/lib", "={tree}/usr/lib")),)), "/store/x/tree")

    assert os.readlink(tree / "lib/deep/libtoy.so") == "../libtoy.so.1"
    assert (tree / "erl").read_text() == "ROOT=/store/x/tree/usr/lib/erlang\n"


@pytest.mark.parametrize(
    ("layout", "cause"),
    [
        (Layout((), links=(("lib/show", "x"),)), "`lib/show` exists already, and the recipe would link it to `x`"),
        (Layout((), substitute=(("no/*", ("a", "b")),)), "no file matches `no/*`, in which the recipe replaces paths"),
        (
            Layout((), substitute=(("lib/*", ("zzz", "b")),)),
            "`lib/show` doesn't contain `zzz`, which the recipe replaces",
        ),
    ],
)
def test_a_tree_that_isnt_as_the_recipe_says_is_refused(layout, cause, staging):
    with pytest.raises(IntegrityError) as caught:
        mend(str(staging / "tree"), layout, "/store/x/tree")

    assert (cause,) == tuple(caught.value.causes)


def test_all_that_shapes_an_object_is_in_its_key():
    names = {
        object_name(each)
        for each in (
            wanted(),
            wanted(shims=(("a", "b"),)),
            wanted(links=(("a", "b"),)),
            wanted(env=(("a", "b"),)),
            wanted(substitute=(("a", ("b", "c")),)),
            wanted(python="3.12"),
            wanted(python="3.13"),
        )
    }

    assert len(names) == 7
    assert object_name(wanted()) == object_name(wanted(asks_version="-V"))


def test_scripts_have_the_same_bytes_everywhere(staging, tmp_path):
    other = tmp_path / "elsewhere"
    (other / "tree/lib").mkdir(parents=True)
    (other / "tree/lib/show").write_text(SHOW)
    shims = (("npm", "{bin}/show"),)
    for place in (staging, other):
        write_programs(str(place), wanted(python="3.12", shims=shims))

    assert Path(staging, "bin/npm").read_bytes() == Path(other, "bin/npm").read_bytes()
