"""Real virtualenvs from small real wheels: synced, interrupted, broken, moved, in the way."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from devboot.clone_writer import write_beside_links
from devboot.environment.locks.pins import EDITABLE, Direct, Pin, Pins
from devboot.environment.python.installed import list_installed
from devboot.environment.python.interpreters import inspect
from devboot.environment.venv.condition import ADOPT, KEEP, REBUILD
from devboot.environment.venv.record import NAME, VenvRecord, is_current, load_record, paths_to_stamp, render_record
from devboot.environment.venv.sync import VenvSpec, sync, wanted_digest
from devboot.errors import IntegrityError, MachineError, NetworkError, WorkError
from devboot.events import NOTE, WARNING, RecordingReporter
from devboot.model.edge.manifest.manifest import manifest_schema
from devboot.onboarding.proposal.render import SCHEMA
from devboot.provision.objects.store import REGISTERED
from devboot.uv.client import make_uv
from devboot.uv.packages import IndexSettings, install_requirements
from tests.fakes.checkpoints import checkpoints
from tests.fakes.wheels import write_wheel

PROJECT = "my $project#1 ü"  # what paths may hold must not matter to anything
NOW = 1_767_225_600.0
BACKEND = """
import os, zipfile
def _wheel(folder, content):
    name = "own-1.0-py3-none-any.whl"
    info = "own-1.0.dist-info"
    content = {
        **content,
        f"{info}/METADATA": "Metadata-Version: 2.1\\nName: own\\nVersion: 1.0\\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\\nGenerator: tests\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n",
    }
    content[f"{info}/RECORD"] = "".join(f"{path},,\\n" for path in [*content, f"{info}/RECORD"])
    with zipfile.ZipFile(os.path.join(folder, name), "w") as archive:
        for path, text in content.items():
            archive.writestr(path, text)
    return name
def build_editable(folder, config_settings=None, metadata_directory=None):
    return _wheel(folder, {"own.pth": os.path.join(os.getcwd(), "src")})
def build_wheel(folder, config_settings=None, metadata_directory=None):
    return build_editable(folder)
"""


class Workshop:
    """A project with a folder of wheels and nothing else to install from."""

    def __init__(self, tmp_path, cache):
        self.root = tmp_path / PROJECT
        self.root.mkdir(exist_ok=True)
        self.wheels = str(tmp_path / "wheels")
        os.makedirs(self.wheels, exist_ok=True)
        self.reporter = RecordingReporter()
        environ = {"PATH": os.defpath, "HOME": str(tmp_path), "UV_CACHE_DIR": cache, "PIP_CONFIG_FILE": os.devnull}
        self.uv = make_uv(environ, str(self.root))
        self.interpreter = inspect(self.uv, sys.executable)

    def pin(self, name, version="1.0", marker="", **options):
        return Pin(name, version, marker, (), (write_wheel(self.wheels, name, version, **options),))

    def spec(self, *pins, directs=(), venv=".venv", **options):
        return VenvSpec(
            str(self.root / venv),
            venv,
            "project",
            Pins(("a.lock",), pins, directs),
            self.interpreter,
            indexes=IndexSettings(find_links=(self.wheels,), no_index=True),
            **options,
        )

    def sync(self, *pins, **options):
        return self.sync_spec(self.spec(*pins, **options))

    def sync_spec(self, spec):
        return sync(self.uv, spec, reporter=self.reporter, wall_clock=lambda: NOW)

    def versions(self, venv=".venv"):
        return {name: each.version for name, each in list_installed(str(self.root / venv)).items()}

    def notes(self):
        return [event.text for event in self.reporter.events if event.kind in (NOTE, WARNING)]

    def run(self, *command, venv=".venv"):
        return subprocess.run(
            [str(self.root / venv / "bin" / command[0]), *command[1:]], capture_output=True, text=True, check=False
        ).stdout


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return str(tmp_path_factory.mktemp("cache"))


@pytest.fixture
def workshop(tmp_path, cache):
    return Workshop(tmp_path, cache)


def test_exactly_the_locked_set_is_installed_and_the_next_sync_does_nothing(workshop):
    pins = (workshop.pin("ant", scripts={"ant": "ant:main"}), workshop.pin("bee", "2.0"))
    pins = (*pins, workshop.pin("wasp", marker='sys_platform == "win32"'))

    first = workshop.sync(*pins)
    second = workshop.sync(*pins)

    assert {"ant": "1.0", "bee": "2.0"} == workshop.versions()
    assert (("ant", "1.0"), ("bee", "2.0")) == first.added
    assert ("create", 2, ("+ ant 1.0", "+ bee 2.0")) == (first.act, first.packages, first.lines)
    assert second.is_unchanged
    assert [".venv, 2 packages", ".venv has all 2 packages"] == [
        event.text for event in workshop.reporter.events if event.kind in ("done", "unchanged")
    ]
    assert "*" == (workshop.root / ".venv" / ".gitignore").read_text().strip()


@pytest.mark.parametrize("old", [None, "{}"])
def test_the_schema_that_a_manifest_names_is_in_the_virtualenv_and_renewed_by_another_devboot(workshop, old):
    pin = workshop.pin("ant")
    workshop.sync(pin)
    path = workshop.root / SCHEMA.removeprefix("#:schema ")
    path.unlink()
    if old is not None:
        path.write_text(old)
    assert workshop.sync(pin).is_unchanged
    assert manifest_schema() == json.loads(path.read_text())


def test_a_virtualenv_that_is_current_is_known_by_a_few_stats(workshop):
    spec = workshop.spec(workshop.pin("ant"))
    workshop.sync_spec(spec)

    assert is_current(spec.path, wanted_digest(spec))
    assert all(os.path.exists(path) for path in paths_to_stamp(spec.path, workshop.interpreter.version))
    assert not is_current(spec.path, wanted_digest(workshop.spec(workshop.pin("ant", "1.1"))))


def test_what_the_user_added_stays_and_what_is_no_longer_locked_goes(workshop):
    workshop.sync(workshop.pin("ant"), workshop.pin("bee"))
    own = workshop.pin("mine")
    python, text = str(workshop.root / ".venv/bin/python"), f"mine==1.0 --hash={own.hashes[0]}\n"
    links = IndexSettings(find_links=(workshop.wheels,), no_index=True)
    install_requirements(workshop.uv, python, text, require_hashes=True, indexes=links)

    result = workshop.sync(workshop.pin("ant", "1.1"))

    assert {"ant": "1.1", "mine": "1.0"} == workshop.versions()
    assert (("~ ant 1.0 → 1.1", "- bee 1.0"), ("mine",)) == (result.lines, result.stays)


def test_a_package_that_the_user_removed_comes_back(workshop):
    pins = (workshop.pin("ant"), workshop.pin("bee"))
    workshop.sync(*pins)
    site = next((workshop.root / ".venv" / "lib").glob("python*/site-packages"))
    shutil.rmtree(site / "bee-1.0.dist-info")
    (site / "bee.py").unlink()

    assert ("+ bee 1.0",) == workshop.sync(*pins).lines


@pytest.mark.faults(10)
def test_a_file_that_is_not_the_locked_one_is_not_installed_and_the_old_state_stays_valid(workshop):
    workshop.sync(workshop.pin("ant"))
    tampered = replace(workshop.pin("bee"), hashes=("sha256:" + "0" * 64,))

    with pytest.raises(IntegrityError) as caught:
        workshop.sync(workshop.pin("ant"), tampered)

    assert ("integrity/hash-mismatch", "`bee==1.0` is not the file that was locked") == (
        caught.value.slug,
        caught.value.what,
    )
    assert {"ant": "1.0"} == workshop.versions()
    assert "keep" == workshop.sync(workshop.pin("ant")).act
    assert not any("interrupted" in note for note in workshop.notes())


def test_a_package_that_cannot_be_had_leaves_the_old_state_valid(workshop):
    workshop.sync(workshop.pin("ant"))

    with pytest.raises((WorkError, NetworkError)):
        workshop.sync(workshop.pin("ant"), Pin("gone", "1.0", hashes=("sha256:" + "0" * 64,)))

    assert "keep" == workshop.sync(workshop.pin("ant")).act


@pytest.mark.faults(33)
def test_a_package_that_only_looks_installed_after_a_kill_is_not_accepted(workshop):
    spec = workshop.spec(workshop.pin("ant"), workshop.pin("bee"))
    run_and_kill(workshop, "venv/packages-installed")
    site = next((workshop.root / ".venv" / "lib").glob("python*/site-packages"))
    (site / "bee.py").unlink()  # its dist-info says that it is there

    result = workshop.sync_spec(spec)

    assert ["rebuilding .venv (interrupted)"] == workshop.notes()
    assert ("rebuild", True) == (result.act, (site / "bee.py").exists())
    assert [".venv"] == [name for name in os.listdir(workshop.root) if name.startswith(".venv")]


WANTED = {"first": (("ant", "1.0"), ("bee", "1.0")), "second": (("ant", "1.1"), ("cat", "1.0"))}


def scenario(tmp_path, cache, change):
    """Sync for the first time, or sync what adds, changes and removes: in a process that is killed on the way."""
    workshop = Workshop(Path(tmp_path), cache)
    return workshop.sync(*(workshop.pin(name, version) for name, version in WANTED[change]))


def run_and_kill(workshop, point, change="first"):
    code = f"""
import runpy, sys
sys.path.insert(0, {os.getcwd()!r})
run = runpy.run_path({__file__!r})["scenario"]
run({str(workshop.root.parent)!r}, {workshop.uv.environ["UV_CACHE_DIR"]!r}, {change!r})
"""
    environ = {"PATH": os.environ["PATH"], "DEVBOOT_TEST": "1", "DEVBOOT_FAIL_POINT": f"{point}=kill"}
    return subprocess.run([sys.executable, "-c", code], env=environ, check=False).returncode


@pytest.mark.slow
@pytest.mark.faults(29, 33)
@pytest.mark.parametrize("point", [name for name in checkpoints("environment/venv/sync.py") if "aside" not in name])
@pytest.mark.parametrize("change", ["first", "second"])
def test_a_sync_killed_anywhere_is_finished_by_the_next(workshop, point, change):
    if change == "second":
        scenario(workshop.root.parent, workshop.uv.environ["UV_CACHE_DIR"], "first")
    code = run_and_kill(workshop, point, change)
    assert code == (0 if change == "second" and point in ("venv/before-create", "venv/created") else -9)

    scenario(workshop.root.parent, workshop.uv.environ["UV_CACHE_DIR"], change)

    assert dict(WANTED[change]) == workshop.versions()
    assert "1.0\n" == workshop.run("python", "-c", f"import {WANTED[change][1][0]} as m; print(m.VERSION)")
    assert [".venv"] == [name for name in os.listdir(workshop.root) if name.startswith(".venv")]
    assert load_record(str(workshop.root / ".venv")).is_complete


@pytest.mark.faults(29, 104)
@pytest.mark.parametrize("point", ["venv/before-move-aside", "venv/after-move-aside"])
def test_a_rebuild_killed_anywhere_is_finished_by_the_next(workshop, point):
    cache = workshop.uv.environ["UV_CACHE_DIR"]
    scenario(workshop.root.parent, cache, "first")
    (workshop.root / ".venv" / "pyvenv.cfg").unlink()

    assert -9 == run_and_kill(workshop, point)
    scenario(workshop.root.parent, cache, "first")

    assert dict(WANTED["first"]) == workshop.versions()


@pytest.mark.faults(105)
def test_a_project_that_was_moved_gets_scripts_that_work(workshop):
    files = {"ant.py": "import sys\ndef main():\n    print(sys.prefix)\n"}
    pin = workshop.pin("ant", files=files, scripts={"ant": "ant:main"})
    workshop.sync(pin)
    moved = workshop.root.with_name("moved here")
    workshop.root.rename(moved)
    workshop.root, workshop.uv = moved, workshop.uv.inside(str(moved))

    workshop.sync(pin)

    assert ["project moved, rebuilding .venv"] == workshop.notes()
    assert f"{moved}/.venv\n" == workshop.run("ant")


@pytest.mark.faults(104)
def test_a_virtualenv_whose_python_is_gone_is_rebuilt(workshop):
    pin = workshop.pin("ant")
    workshop.sync(pin)
    link = workshop.root / ".venv" / "bin" / "python"
    link.unlink()
    link.symlink_to("/nonexistent/python")

    assert "rebuild" == workshop.sync(pin).act
    assert ["rebuilding .venv: its Python is gone"] == workshop.notes()
    assert {"ant": "1.0"} == workshop.versions()


@pytest.mark.faults(104)
def test_a_rebuild_keeps_the_old_one_where_it_held_packages_of_the_users(workshop):
    pin, mine = workshop.pin("ant"), workshop.pin("mine")
    workshop.sync(pin)
    python = str(workshop.root / ".venv/bin/python")
    links = IndexSettings(find_links=(workshop.wheels,), no_index=True)
    install_requirements(
        workshop.uv, python, f"mine==1.0 --hash={mine.hashes[0]}\n", require_hashes=True, indexes=links
    )
    (workshop.root / ".venv" / "pyvenv.cfg").unlink()

    result = workshop.sync(pin)

    assert (f"the old one is {os.path.basename(result.aside)}",) == result.notes
    assert {"ant": "1.0", "mine": "1.0"} == workshop.versions(os.path.basename(result.aside))


@pytest.mark.faults(104)
@pytest.mark.parametrize("name", ["note.txt", "lib/{python}/site-packages/mine.py", "folder/note.txt"])
def test_a_rebuild_keeps_the_old_one_where_it_held_files_of_the_users(name, workshop):
    pin, venv = workshop.pin("ant"), workshop.root / ".venv"
    workshop.sync(pin)
    mine = name.format(python=next((venv / "lib").iterdir()).name)
    (venv / mine).parent.mkdir(exist_ok=True)
    (venv / mine).write_text("mine")
    (venv / "bin" / "python").unlink()

    result = workshop.sync(pin)

    kept, first = os.path.basename(result.aside), mine.replace("folder/note.txt", "folder")
    assert (f"the old one is {kept}, with `{first}` in it, which no package has",) == result.notes
    assert "mine" == (workshop.root / kept / mine).read_text()


@pytest.mark.faults(106)
def test_a_file_in_the_way_is_refused_and_moved_aside_only_when_told_so(workshop):
    (workshop.root / ".venv").write_text("mine")
    pin = workshop.pin("ant")

    with pytest.raises(MachineError) as caught:
        workshop.sync(pin)
    assert ("python/foreign-venv", "mine") == (caught.value.slug, (workshop.root / ".venv").read_text())

    result = workshop.sync(pin, is_forced=True)
    assert "mine" == Path(result.aside).read_text()
    assert {"ant": "1.0"} == workshop.versions()


@pytest.mark.faults(106)
def test_a_hand_made_virtualenv_is_taken_over_and_nothing_in_it_is_ever_removed(workshop):
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(workshop.root / ".venv")], check=True)
    python = str(workshop.root / ".venv/bin/python")
    links = IndexSettings(find_links=(workshop.wheels,), no_index=True)
    lines = [f"{pin.name}==1.0 --hash={pin.hashes[0]}" for pin in (workshop.pin("mine"), workshop.pin("ant"))]
    install_requirements(workshop.uv, python, "\n".join(lines), require_hashes=True, indexes=links)

    first = workshop.sync(workshop.pin("ant"), workshop.pin("bee"))
    second = workshop.sync(workshop.pin("bee"))

    assert ("adopt", ("+ bee 1.0",), ("mine",)) == (first.act, first.lines, first.stays)
    assert ((), {"ant": "1.0", "bee": "1.0", "mine": "1.0"}) == (second.removed, workshop.versions())


def test_a_virtualenv_that_worked_gets_its_place_back_when_the_new_one_cannot_be_filled(workshop):
    workshop.sync(workshop.pin("ant"))
    spec = workshop.spec(Pin("gone", "1.0", hashes=("sha256:" + "0" * 64,)), is_forced=True)
    (workshop.root / ".venv" / "devboot-venv.txt").unlink()  # now it is somebody else's

    with pytest.raises((WorkError, NetworkError)):
        workshop.sync_spec(spec)

    assert ({"ant": "1.0"}, [".venv"]) == (workshop.versions(), os.listdir(workshop.root))


def write_own_project(workshop, backend=BACKEND):
    (workshop.root / "src").mkdir()
    (workshop.root / "src" / "own.py").write_text("VERSION = 'mine'\n")
    (workshop.root / "backend.py").write_text(backend)
    (workshop.root / "pyproject.toml").write_text(
        '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
        '[project]\nname = "own"\nversion = "1.0"\n'
    )
    return Direct(EDITABLE, ".", str(workshop.root), "own")


def test_the_project_itself_is_installed_editable_and_again_when_its_pyproject_changes(workshop):
    own = write_own_project(workshop)

    assert ("+ ant 1.0", "+ own 1.0") == workshop.sync(workshop.pin("ant"), directs=(own,)).lines
    assert "mine\n" == workshop.run("python", "-c", "import own; print(own.VERSION)")
    assert workshop.sync(workshop.pin("ant"), directs=(own,)).is_unchanged

    digest = wanted_digest(workshop.spec(workshop.pin("ant"), directs=(own,)))
    with open(workshop.root / "pyproject.toml", "a") as file:
        file.write('description = "changed"\n')
    assert digest != wanted_digest(workshop.spec(workshop.pin("ant"), directs=(own,)))
    assert ("- own 1.0",) == workshop.sync(workshop.pin("ant")).lines


def test_a_project_that_only_its_scripts_want_installed_may_fail_to_build(workshop):
    own = write_own_project(workshop, backend="raise RuntimeError('boom')\n")

    result = workshop.sync(workshop.pin("ant"), optional=(own,))

    assert ("the project itself could not be installed: `own` could not be built",) == result.notes
    assert {"ant": "1.0"} == workshop.versions()


@pytest.mark.faults(107)
def test_the_callers_own_environment_does_not_reach_the_install(tmp_path, cache):
    other = tmp_path / "other"
    other.mkdir()
    workshop = Workshop(tmp_path, cache)
    misleading = {
        "PYTHONPATH": str(other),
        "VIRTUAL_ENV": str(other),
        "UV_PROJECT_ENVIRONMENT": str(other),
        "PYTHONHOME": "/x",
    }
    workshop.uv = make_uv({**workshop.uv.environ, **misleading}, str(workshop.root))

    workshop.sync(workshop.pin("ant"))

    assert ({"ant": "1.0"}, []) == (workshop.versions(), os.listdir(other))


def test_a_package_that_counts_on_setuptools_gets_the_interpreters_and_keeps_it(workshop, tmp_path):
    write_wheel(str(tmp_path / "bundled"), "setuptools", "65.5.0")
    bundled = str(tmp_path / "bundled" / "setuptools-65.5.0-py3-none-any.whl")
    server = workshop.pin("server", files={"server.py": "import pkg_resources\n"})

    workshop.sync(workshop.pin("ant"), bundled=bundled)
    assert {"ant": "1.0"} == workshop.versions()
    workshop.sync(server, bundled=bundled)
    assert {"server": "1.0", "setuptools": "65.5.0"} == workshop.versions()
    workshop.sync(server, workshop.pin("bee"), bundled=bundled)
    assert {"bee": "1.0", "server": "1.0", "setuptools": "65.5.0"} == workshop.versions()
    workshop.sync(workshop.pin("ant"), bundled=bundled)
    assert {"ant": "1.0"} == workshop.versions()


def test_a_package_that_cannot_do_without_setuptools_gets_that_of_the_digest_where_the_interpreter_has_none(workshop):
    fetched = workshop.pin("setuptools", "80.0")
    line = f"setuptools==80.0 --hash={fetched.hashes[0]}"
    server = workshop.pin("server", files={"server.py": "import pkg_resources\n"})
    careful = workshop.pin("ant", files={"ant.py": "try:\n    import pkg_resources\nexcept ImportError:\n    pass\n"})

    workshop.sync(careful, bundled=line)
    assert workshop.versions() == {"ant": "1.0"}
    workshop.sync(server, bundled=line)
    assert workshop.versions() == {"server": "1.0", "setuptools": "80.0"}


def test_a_setuptools_that_cannot_be_had_is_left_out(workshop):
    line = f"setuptools==79.0 --hash=sha256:{'0' * 64}"
    workshop.sync(workshop.pin("server", files={"server.py": "import pkg_resources\n"}), bundled=line)
    assert workshop.versions() == {"server": "1.0"}


# What came with the clone


def git(workshop, *words):
    identity = ("-c", "user.name=a", "-c", "user.email=a@b.test")
    subprocess.run(["git", *identity, *words], cwd=workshop.root, check=True, capture_output=True)


def trap(workshop, at=".venv"):
    """A virtualenv whose Python leaves a file behind when it is run; the path of that file."""
    folder = workshop.root / at
    (folder / "bin").mkdir(parents=True)
    (folder / f"lib/python{workshop.interpreter.minor}/site-packages").mkdir(parents=True)
    (folder / "pyvenv.cfg").write_text(f"version = {workshop.interpreter.version}\n")
    (folder / "bin/python").write_text(f"#!/bin/sh\ntouch '{workshop.root}/ran'\nexec '{sys.executable}' \"$@\"\n")
    (folder / "bin/python").chmod(0o755)
    return workshop.root / "ran"


@pytest.mark.faults(153)
@pytest.mark.parametrize("record", ["none", "forged"])
def test_a_virtualenv_that_git_tracks_is_moved_aside_once_and_none_of_it_is_run(workshop, record):
    ran = trap(workshop)
    if record == "forged":
        forged = VenvRecord(
            True, str(workshop.root / ".venv"), sys.executable, workshop.interpreter.version, wanted="x"
        )
        (workshop.root / ".venv" / NAME).write_text(render_record(forged))
    git(workshop, "init", "-q")
    git(workshop, "add", "-f", ".")
    git(workshop, "commit", "-qm", "all")

    first = workshop.sync(workshop.pin("ant"))
    second = workshop.sync(workshop.pin("ant"))

    assert not ran.exists()
    assert (REBUILD, KEEP) == (first.act, second.act)
    assert os.path.basename(first.aside).startswith(".venv.20")
    assert ".venv came with the clone (git tracks it): moving it aside" in workshop.notes()
    assert (workshop.root / os.path.basename(first.aside) / "bin/python").exists()
    assert {"ant": "1.0"} == workshop.versions()


@pytest.mark.faults(153)
def test_a_virtualenv_that_is_a_link_out_of_the_project_is_moved_aside_and_what_it_leads_to_stays(workshop, tmp_path):
    ran = trap(workshop, "../elsewhere")
    before = sorted((tmp_path / "elsewhere").rglob("*"))
    (workshop.root / ".venv").symlink_to("../elsewhere")

    result = workshop.sync(workshop.pin("ant"))

    assert not ran.exists()
    assert before == sorted((tmp_path / "elsewhere").rglob("*"))
    assert "../elsewhere" == os.readlink(workshop.root / os.path.basename(result.aside))
    assert ".venv came with the clone (it is a link to `../elsewhere`, out of the project): moving it aside" in (
        workshop.notes()
    )
    assert {"ant": "1.0"} == workshop.versions()


@pytest.mark.faults(153)
def test_a_virtualenv_that_somebody_made_by_hand_in_a_repository_is_used(workshop):
    git(workshop, "init", "-q")
    subprocess.run([workshop.uv.binary, "venv", "-q", "-p", sys.executable, workshop.root / ".venv"], check=True)

    assert ADOPT == workshop.sync(workshop.pin("ant")).act


@pytest.mark.faults(152)
@pytest.mark.parametrize("name", ["bin", "lib"])
def test_nothing_is_installed_through_a_link_that_leads_out_of_a_virtualenv(workshop, tmp_path, name):
    trap(workshop)
    os.rename(workshop.root / ".venv" / name, tmp_path / "outside")
    (workshop.root / ".venv" / name).symlink_to(tmp_path / "outside")
    before = sorted((tmp_path / "outside").rglob("*"))

    assert REBUILD == workshop.sync(workshop.pin("ant")).act
    assert before == sorted((tmp_path / "outside").rglob("*"))


@pytest.mark.faults(152)
def test_no_virtualenv_is_made_in_a_folder_that_a_link_leads_to(workshop, tmp_path):
    (tmp_path / "outside").mkdir()
    (workshop.root / "link").symlink_to("../outside")

    with pytest.raises(MachineError) as caught:
        workshop.sync(workshop.pin("ant"), venv="link/.venv")

    assert "machine/leads-outside" == caught.value.slug
    assert [] == os.listdir(tmp_path / "outside")


def test_a_package_that_is_installed_again_since_a_file_is_gone_counts_as_a_change(workshop):
    pin = workshop.pin("ant")
    workshop.sync(pin)
    (record,) = workshop.root.glob(".venv/lib/python*/site-packages/ant-1.0.dist-info/RECORD")
    file = next(line.split(",")[0] for line in record.read_text().splitlines() if ".dist-info" not in line)
    (record.parent.parent / file).unlink()
    os.utime(record.parent.parent, (0, 0))

    again = workshop.sync(pin)

    assert any(note.startswith("installing ant again: ") for note in workshop.notes())
    assert not again.is_unchanged
    assert workshop.sync(pin).is_unchanged


def test_packages_are_installed_again_when_system_libraries_that_they_load_are_gone(workshop, tmp_path):
    library = tmp_path / "library"
    library.mkdir()
    (library / REGISTERED).touch()
    pin = workshop.pin("ant")
    workshop.sync(pin)
    venv = str(workshop.root / ".venv")
    write_beside_links(f"{venv}/{NAME}", render_record(replace(load_record(venv), libraries=(str(library),))))
    assert workshop.sync(pin).is_unchanged
    shutil.rmtree(library)

    again = workshop.sync(pin)

    assert REBUILD == again.act
    assert "rebuilding .venv: system libraries that its packages load are gone" in workshop.notes()
    assert {"ant": "1.0"} == workshop.versions()
    assert () == load_record(venv).libraries
    assert workshop.sync(pin).is_unchanged
