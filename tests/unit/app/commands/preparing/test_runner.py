"""What is handed over to another runner: its command line, its Procfile, and what it can't do."""

import os

import pytest

from devboot.app.commands.preparing.runner import hand_over
from devboot.errors import UsageError
from devboot.model.edge.manifest.manifest import parse_manifest
from devboot.model.process import PROCESS, Plan, ProcessSpec
from devboot.model.project_files.procfile import parse_procfile


def handed_over(tmp_path, procfile, *, manifest="", names=(), ports=(5000, 5100)):
    root = str(tmp_path)
    (tmp_path / "Procfile").write_text(procfile)
    read = parse_procfile(procfile.encode(), "Procfile")
    specs = tuple(
        ProcessSpec(line.name, PROCESS, root, line.command, port=port)
        for line, port in zip(read.lines, ports, strict=False)
    )
    plan = Plan(project="shop", root=root, state=f"{root}/state", env=(("A", "b"),), processes=specs, version="1")
    return hand_over("honcho", plan, parse_manifest(manifest, "devboot.toml", procfile=read.names), read, names)


def test_a_procfile_that_says_all_is_handed_over_as_it_is(tmp_path):
    found = handed_over(tmp_path, "web: serve\nworker: work\n")

    assert ("-f", f"{tmp_path}/Procfile", "start", "web", "worker") == found.argv[-5:]
    assert ({"A": "b"}, ()) == (found.environ, found.lost)


def test_names_that_the_runners_would_drop_get_a_procfile_and_names_of_their_own(tmp_path):
    found = handed_over(tmp_path, "web.main: serve\nworker: work\n", names=("web*",))

    written = f"{tmp_path}/state/run/procfile/Procfile"
    assert ("-f", written, "start", "web_main") == found.argv[-4:]
    with open(written) as file:
        assert ["web_main", "worker"] == [line.partition(":")[0] for line in file]
    assert 0o600 == os.stat(written).st_mode & 0o777


def test_a_name_that_nothing_has_is_said_before_anything_starts(tmp_path):
    with pytest.raises(UsageError):
        handed_over(tmp_path, "web: serve\n", names=("wbe",))


def test_what_of_the_manifest_is_lost_is_named(tmp_path):
    manifest = "[processes.web]\nexit_ends_all = true\nstop_signal = 'SIGINT'\ncwd = '.'\n"

    assert ("web: stop_signal", "web: exit_ends_all") == handed_over(
        tmp_path, "web: serve\n", manifest=manifest, ports=(5000,)
    ).lost
