"""Every key of a process reaches the other runners and all exported formats, or is named as left out; so do tasks."""

import functools
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from devboot.app.commands.preparing.export import Form, exported, kinds, report_lines
from devboot.app.commands.preparing.runner import OVERMIND, RUNNERS, hand_over
from devboot.app.generated_files import WrittenFiles
from devboot.app.preparation.compose.composition import Parts, compose_project, wanted_ports
from devboot.app.preparation.project.load import load_project
from devboot.environment.variables.envfiles import EnvFiles
from devboot.model.edge.lockfile.lock import Lock
from devboot.model.process import TASK, variables_of
from tests.fakes.folders import home_beside
from tests.fakes.manifest_keys import PROCESS_KEYS, TASK_KEYS

PROCFILE = "web: serve\nworker: work\n"
OWN_VARIABLE = "[processes.worker]\nenv = { OTHER = 'x' }\n"  # the project's own Procfile isn't sufficient for it


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """Prepare a project with this manifest, each only once: `prepared(manifest)`."""
    tmp_path = tmp_path_factory.mktemp("carried")
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in (OVERMIND, "tmux"):
        (programs / name).touch(mode=0o700)

    @functools.cache
    def prepare(manifest):
        root = tmp_path / "shop"
        root.mkdir(exist_ok=True)
        (root / "devboot.toml").write_text(manifest)
        (root / "Procfile").write_text(PROCFILE)
        loaded = load_project(str(root), home_beside(root))
        ports = {wish.name: wish.port for wish in wanted_ports(loaded, {}, 5000)}
        files = EnvFiles((), (), ())
        composed = compose_project(
            Parts(loaded, files, Lock(), {}, {}, (), ports, "/run/me", {}, "packages", has_venv=False)
        )
        plan = composed.plan._replace(env=(("PATH", str(programs)),))
        return SimpleNamespace(loaded=loaded, composed=composed._replace(plan=plan))

    return prepare


def handed_over(runner, project):
    """Return the files that a runner reads, and the keys that are named as left out."""
    plan, loaded = project.composed.plan, project.loaded
    written = Path(plan.state, "run/procfile")
    shutil.rmtree(written, ignore_errors=True)
    done = hand_over(runner, plan, loaded.manifest, loaded.procfile, ())
    procfile = Path(done.argv[done.argv.index("-f") + 1])
    paths = [procfile] if procfile.parent != written else sorted(written.iterdir())
    return {each.name: each.read_text() for each in paths}, list(done.lost)


def in_files(kind, project):
    """Return the files of an exported format, and the keys and tasks that are named as left out."""
    plan = project.composed.plan
    specs = [
        spec._replace(env=tuple(sorted(variables_of(plan, spec).items())))
        for spec in plan.processes
        if spec.kind != TASK
    ]
    form = Form(kind, "/srv/shop", "shop", "ada", "/var/log/shop")
    lines = list(report_lines(form, project, WrittenFiles((), (), (), ()), "deploy"))
    return {each.path: each.text for each in exported(form, specs, ())}, [
        line.partition("left out: ")[2] for line in lines if "left out: " in line
    ]


def adapted(adapter, project):
    """Return what an adapter writes, and what it names as left out."""
    return handed_over(adapter, project) if adapter in RUNNERS else in_files(adapter, project)


def with_key(key):
    """Return a manifest of a process with this key."""
    name = "another" if key == "command" else "web"  # `web` has its command from the Procfile
    return f"[processes.{name}]\n{key} = {PROCESS_KEYS[key]}\n"


@pytest.mark.parametrize("base", ["", OWN_VARIABLE], ids=["own Procfile", "written Procfile"])
@pytest.mark.parametrize("key", PROCESS_KEYS)
@pytest.mark.parametrize("adapter", [*RUNNERS, *kinds()])
def test_each_key_of_a_process_is_carried_over_or_named_as_left_out_and_never_both(prepared, adapter, key, base):
    without, nothing = adapted(adapter, prepared(base))
    found, left_out = adapted(adapter, prepared(with_key(key) + base))

    assert [] == nothing
    assert ([] if found != without else [f"web: {key}"]) == left_out


@pytest.mark.parametrize("kind", kinds())
def test_tasks_are_named_as_left_out_of_exported_files_whatever_their_keys_are(prepared, kind):
    keys = {"before": "['processes']"} | {key: TASK_KEYS[key] for key in TASK_KEYS if key != "before"}
    table = "".join(f"{key} = {value}\n" for key, value in keys.items())

    assert ["migrate"] == in_files(kind, prepared(f"[tasks.migrate]\n{table}"))[1]
