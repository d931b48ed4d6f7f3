"""What flags change for one time: formation, Procfile, env-files, ports."""

from __future__ import annotations

import pytest

from devboot.app.preparation.compose.composition import commands_of, names_of_instances
from devboot.app.preparation.flag_overrides import (
    Adjustments,
    adjust,
    adjustments,
    parse_formation,
    present_formation,
    self_reloading,
)
from devboot.app.preparation.project.load import load_project
from devboot.errors import ManifestError, UsageError
from tests.fakes.folders import home_beside

PROCFILE = "web: serve --port $PORT\nworker: work\nweb2: x\n"


def project(tmp_path, manifest="", procfile=PROCFILE):
    (tmp_path / "devboot.toml").write_text(manifest)
    (tmp_path / "Procfile").write_text(procfile)
    return load_project(str(tmp_path), home_beside(tmp_path))


def names(loaded):
    return [command.name for command in commands_of(loaded)]


@pytest.mark.parametrize(
    ("words", "counts"),
    [
        (["worker=3"], {"worker": 3}),
        (["worker=3,all=1"], {"web": 1, "worker": 3, "web2": 1}),
        (["all=0", "web=1"], {"web": 1, "worker": 0, "web2": 0}),
        (["web*=2", "worker=1"], {"web": 2, "web2": 2, "worker": 1}),
    ],
)
def test_a_formation(tmp_path, words, counts):
    assert counts == parse_formation(words, project(tmp_path))


@pytest.mark.parametrize("word", ["worker", "worker=", "worker=-1", "worker=x", "worker=101"])
def test_what_is_no_formation(tmp_path, word):
    with pytest.raises(UsageError) as caught:
        parse_formation([word], project(tmp_path))

    assert ("usage/formation", f"`{word}` is not NAME=COUNT") == (caught.value.slug, caught.value.what)
    assert caught.value.help == ("worker=3", "worker=3,all=1")


@pytest.mark.parametrize(("word", "name"), [("web2", "web2"), ("wrker=x", "worker"), ("=x", "web")])
def test_what_is_no_formation_is_mended_with_a_name_of_the_project(tmp_path, word, name):
    with pytest.raises(UsageError) as caught:
        parse_formation([word], project(tmp_path))

    assert caught.value.help == (f"{name}=3", f"{name}=3,all=1")


def test_a_formation_of_a_process_that_there_is_not_names_the_nearest(tmp_path):
    with pytest.raises(UsageError) as caught:
        parse_formation(["wroker=2"], project(tmp_path))

    assert "usage/unknown-name" == caught.value.slug
    assert "did you mean `worker`?" == caught.value.help[0]


def test_several_get_numbers_and_one_keeps_its_name(tmp_path):
    loaded = project(tmp_path, "[processes.worker]\ninstances = 2\n")

    assert ["web", "worker.1", "worker.2", "web2"] == names(loaded)
    adjusted = adjust(loaded, Adjustments(formation=("worker=1", "web=2", "web2=0")), str(tmp_path))
    assert ["web.1", "web.2", "worker"] == names(adjusted)
    assert {"web": ("web.1", "web.2"), "worker": ("worker",), "web2": ()} == names_of_instances(adjusted)
    assert (False, True) == (loaded.is_adjusted, adjusted.is_adjusted)


def test_an_instance_that_would_be_called_like_something_else_is_refused(tmp_path):
    loaded = project(tmp_path, procfile="web: a\nweb.2: b\n")

    with pytest.raises(ManifestError) as caught:
        commands_of(loaded._replace(formation={"web": 2}))

    assert "instances of `web` would be called `web.2`, as another process is" == caught.value.what


def test_what_runs_tells_the_present_formation(tmp_path):
    running = ["redis", "web", "worker.1", "worker.2", "worker.3", "worker.x"]

    assert {"web": 1, "worker": 3, "web2": 0} == present_formation(running, project(tmp_path))


def test_another_procfile_brings_its_own_processes_and_leaves_out_what_the_manifest_says_of_others(tmp_path):
    loaded = project(tmp_path, "[processes.worker]\ninstances = 2\n[processes.docs]\ncommand = 'x'\n")
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub/Procfile.small").write_text("web: serve\n")

    adjusted = adjust(loaded, Adjustments(procfile="Procfile.small"), str(tmp_path / "sub"))

    assert ["web", "docs"] == names(adjusted)
    assert "sub/Procfile.small" == adjusted.manifest.procfile.path


def test_other_env_files_are_read_instead_and_have_to_exist(tmp_path):
    loaded = project(tmp_path)
    (tmp_path / "a.env").write_text("A=1\n")

    assert ("a.env",) == adjust(loaded, Adjustments(env_files=("a.env",)), str(tmp_path)).manifest.env_files.read
    with pytest.raises(UsageError) as caught:
        adjust(loaded, Adjustments(env_files=("b.env",)), str(tmp_path))
    assert "usage/env-file" == caught.value.slug


def test_flags_are_read_with_commas_and_one_by_one():
    values = {"formation": ["worker=3,all=1"], "env-file": ["a,b", "c"], "base-port": "7000", "procfile": "P"}

    assert Adjustments(("worker=3", "all=1"), "P", ("a", "b", "c"), 7000, 10) == adjustments(
        values | {"port-step": "10"}
    )
    assert Adjustments() == adjustments({})
    with pytest.raises(UsageError):
        adjustments({"base-port": "x"})


def test_a_process_that_reloads_itself_is_named(tmp_path):
    manifest = "".join(f"[processes.{name}]\nwatch = ['**/*.py']\n" for name in ("web", "worker", "beat"))
    procfile = "web: ./manage.py runserver\nworker: watchfiles 'celery worker'\nbeat: celery beat\n"

    assert [
        "`web` reloads Python files by itself: its `watch` applies to the other files",
        "`worker` restarts itself when files change: its `watch` is left out",
    ] == list(self_reloading(project(tmp_path, manifest, procfile)))
