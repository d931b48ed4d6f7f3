"""From a project's files to its virtualenv, with real resolving from a folder of small wheels."""

import json
import os
import shlex
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from devboot.environment.project_python import is_lock_stale, locked_interpreter, pins_of
from devboot.environment.python_choice import reported_interpreter
from devboot.errors import DevbootError, LockError, ManifestError, WorkError
from devboot.events import WARNING
from devboot.uv.client import find_binary, make_uv
from tests.fakes.clone import INDEX, MINOR, rows
from tests.fakes.wheels import write_sdist, write_wheel


def test_unlocked_requirements_are_pinned_with_what_they_need_and_then_installed(clone):
    clone.wheel("ant", requires=["bee>=1", "wasp; sys_platform == 'win32'"])
    digests = {clone.wheel("bee", "1.0"), clone.wheel("bee", "1.1")}
    clone.wheel("wasp")
    clone.write(requirements__txt=f"{INDEX}ant\n")

    project = clone.read()
    lock = clone.lock(project)
    clone.sync(project, lock)

    assert {"ant": "1.0", "bee": "1.1", "wasp": "1.0"} == rows(lock)
    bee, wasp = (next(row for row in lock.rows if row.name == name) for name in ("bee", "wasp"))
    assert set(bee.hashes) < digests
    assert ("sys_platform == 'win32'", MINOR) == (wasp.marker, lock.lowest_python)
    assert {"ant": "1.0", "bee": "1.1"} == clone.versions()
    assert not is_lock_stale(project, lock)


def test_pins_stay_while_they_fit_and_move_when_asked(clone):
    clone.wheel("ant", "1.0")
    clone.wheel("bee", "1.0")
    clone.write(requirements__txt=f"{INDEX}ant\nbee\n")
    first = clone.lock(clone.read())
    for name in ("ant", "bee"):
        clone.wheel(name, "1.5")
    clone.write(requirements__txt=f"{INDEX}# changed\nant\nbee>=0.9\n")

    project = clone.read()

    assert is_lock_stale(project, first)
    assert {"ant": "1.0", "bee": "1.0"} == rows(clone.lock(project, previous=first))
    assert {"ant": "1.5", "bee": "1.0"} == rows(clone.lock(project, previous=first, upgrade=("ant",)))
    assert {"ant": "1.5", "bee": "1.5"} == rows(clone.lock(project, previous=first, upgrade=("*",)))


def test_requirements_that_contradict_say_so_with_uvs_reason(clone):
    clone.wheel("ant", "1.0")
    clone.write(requirements__txt=f"{INDEX}ant>2\n")

    with pytest.raises(WorkError) as caught:
        clone.lock(clone.read())

    assert "python/resolution" == caught.value.slug
    assert any("ant" in cause for cause in caught.value.causes)


@pytest.mark.parametrize(
    ("wanted", "needs", "tries"),
    [("ant>2", "", False), ("ant", ">=3.99", True)],
    ids=["no-version", "too-old"],
)
def test_an_older_python_is_tried_only_where_it_could_help(clone, tmp_path, wanted, needs, tries):
    older = tmp_path / ".pyenv" / "versions" / "3.7.9" / "bin"
    older.mkdir(parents=True)
    (older / "python3").symlink_to(os.path.realpath(sys.executable))
    clone.wheel("ant", "1.0", requires_python=needs)
    clone.write(requirements__txt=f"{INDEX}{wanted}\n")

    with pytest.raises(WorkError, match=r"python/resolution|no `ant|contradict"):
        clone.lock(clone.read(version=""))

    assert any(", trying " in event.text for event in clone.reporter.events) == tries


def test_a_contradiction_that_an_older_python_has_as_well_ends_the_search(clone, tmp_path):
    for minor in ("3.7.9", "3.6.9"):
        older = tmp_path / ".pyenv" / "versions" / minor / "bin"
        older.mkdir(parents=True)
        (older / "python3").symlink_to(os.path.realpath(sys.executable))
    clone.wheel("ant", "1.0", requires=("bee<2",))
    for version in ("1.0", "2.0"):
        clone.wheel("bee", version)
    clone.write(requirements__txt=f"{INDEX}ant\nbee>=2\n")

    with pytest.raises(WorkError, match="contradict"):
        clone.lock(clone.read(version=""))

    assert len([event for event in clone.reporter.events if ", trying " in event.text]) == 1


def test_exact_versions_that_contradict_each_other_are_taken_as_the_list_has_them(clone):
    clone.wheel("ant", "1.0", requires=("bee<2", "wasp"))
    clone.wheel("wasp", "3.0")
    for version in ("1.0", "2.0"):
        clone.wheel("bee", version)
    clone.write(requirements__txt=f"{INDEX}ant==1.0\nbee==2.0\n")

    project = clone.read()
    lock = clone.lock(project)
    clone.sync(project, lock)

    assert {"ant": "1.0", "bee": "2.0", "wasp": "3.0"} == rows(lock) == clone.versions()
    (warning,) = (event for event in clone.reporter.events if event.kind == WARNING)
    assert warning.slug == "python/contradiction"
    assert "ant depend on bee<2 and you require ant==1.0" in warning.lines[0]


def test_a_contradiction_of_ranges_is_an_error(clone):
    clone.wheel("ant", "1.0", requires=("bee<2",))
    for version in ("1.0", "2.0"):
        clone.wheel("bee", version)
    clone.write(requirements__txt=f"{INDEX}ant\nbee>=2\n")

    with pytest.raises(WorkError, match="contradict"):
        clone.lock(clone.read())


def test_two_pythons_that_each_suit_the_others_versions_better_end_the_search(clone, tmp_path):
    older = _with_older_python(tmp_path)
    ours, theirs = (f"cp{minor.replace('.', '')}" for minor in (MINOR, older))
    # ours gets what is built for theirs alone, theirs two of which each is built for ours alone
    write_sdist(clone.wheels, "ant", "1.0")
    clone.wheel("ant", "1.0", tag=f"{theirs}-{theirs}-manylinux2014_x86_64")
    for name in ("bee", "wasp"):
        clone.wheel(name, "2.0", requires_python=f">={MINOR}")
        write_sdist(clone.wheels, name, "1.0")
        clone.wheel(name, "1.0", tag=f"{ours}-{ours}-manylinux2014_x86_64")
    clone.write(requirements__txt=f"{INDEX}ant\nbee\nwasp\n")

    lock = clone.lock(clone.read(version=""))

    assert {"ant", "bee", "wasp"} == rows(lock).keys()


def _with_older_python(tmp_path):
    """Put the Python that runs the tests on the machine once more, as the minor version before; return that."""
    major, minor = sys.version_info[:2]
    older = f"{major}.{minor - 1}"
    script = tmp_path / ".pyenv" / "versions" / f"{older}.0" / "bin" / "python3"
    script.parent.mkdir(parents=True)
    real = shlex.quote(os.path.realpath(sys.executable))
    said = f"{real} \"$@\" | sed 's/{major}[.]{minor}[.0-9]*/{older}.0/g'"
    script.write_text(f'#!/bin/sh\ncase "$*" in *implementation_version*) {said};; *) exec {real} "$@";; esac\n')
    script.chmod(0o755)
    return older


def _next_minor():
    major, minor = sys.version_info[:2]
    return f"{major}.{minor + 1}"


@pytest.mark.parametrize("kind", ["list", "project"])
def test_packages_that_contradict_for_newer_pythons_alone_are_locked_for_those_before(clone, kind):
    for version in ("1.0", "2.0"):
        clone.wheel("ant", version)
    clone.wheel("bee", requires=[f"ant>=2 ; python_full_version >= '{_next_minor()}.4'", "ant"])
    settings = clone.root.parent / ".config" / "uv" / "uv.toml"
    settings.parent.mkdir(parents=True)
    settings.write_text(f"no-index = true\nfind-links = ['{clone.wheels}']\n")
    if kind == "list":
        clone.write(requirements__txt="ant<2\nbee\n")
    else:
        clone.write(pyproject__toml="[project]\nname = 'a'\nversion = '1'\ndependencies = ['ant<2', 'bee']\n")

    project = clone.read(version="")
    lock = clone.lock(project)
    clone.sync(project, lock)

    assert ({"ant": "1.0", "bee": "1.0"}, f"{_next_minor()}.4") == (rows(lock), lock.below)
    assert f">={lock.lowest_python},<{lock.below}" == lock.requires
    assert [""] * 2 == [row.marker for row in lock.rows]
    why = f"rather than a newer one: the requirements contradict each other from python {lock.below} on"
    assert [event for event in clone.reporter.events if event.text.endswith(why)]


def test_an_older_python_is_taken_where_packages_contradict_for_that_at_hand(clone, tmp_path):
    older = _with_older_python(tmp_path)
    for version in ("1.0", "2.0"):
        clone.wheel("ant", version)
    clone.wheel("bee", requires=[f"ant>=2 ; python_version >= '{MINOR}'", "ant"])
    clone.write(requirements__txt=f"{INDEX}ant<2\nbee\n")

    lock = clone.lock(clone.read(version=""))

    assert ({"ant": "1.0", "bee": "1.0"}, older, MINOR) == (rows(lock), lock.lowest_python, lock.below)


def test_a_lock_is_no_use_to_pythons_that_it_was_not_made_for(clone, tmp_path):
    older = _with_older_python(tmp_path)
    clone.wheel("ant")
    clone.write(requirements__txt=f"{INDEX}ant\n")
    project = clone.read(version="")

    lock = replace(clone.lock(project), lowest_python="3.7", chosen="", below=MINOR)

    assert older == locked_interpreter(clone.uv, project, lock, environ=clone.environ).minor


def test_a_lock_whose_packages_want_an_older_python_says_why_that_is_taken(clone, tmp_path):
    older = _with_older_python(tmp_path)
    tag = f"cp{older.replace('.', '')}"
    files = f"url = 'https://x.test/ant-1.0-{tag}-{tag}-linux_x86_64.whl', hashes = {{ sha256 = '{'0' * 64}' }}"
    package = f"[[packages]]\nname = 'ant'\nversion = '1.0'\nwheels = [{{ {files} }}]\n"
    (clone.root / "pylock.toml").write_text(f"lock-version = '1.0'\ncreated-by = 'x'\n{package}")

    reported_interpreter(clone.uv, clone.read(version=""), clone.environ, clone.reporter)

    said = [event.text for event in clone.reporter.events if event.step == "python"]
    assert said[-1].endswith(f", rather than a newer one: ant: without a wheel for {MINOR}"), said


def test_packages_that_contradict_on_windows_alone_are_locked(clone):
    for version in ("1.0", "2.0"):
        clone.wheel("ant", version)
    clone.wheel("bee", requires=["ant>=2 ; sys_platform == 'win32'", "ant"])
    clone.write(requirements__txt=f"{INDEX}ant<2\nbee\n")

    assert {"ant": "1.0", "bee": "1.0"} == rows(clone.lock(clone.read()))


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("bee ==> 1", "sed -i.bak 's/^bee ==> 1/bee/' requirements.txt   # any version"),
        ("bee==1.0.", r"sed -i.bak 's/^bee==1\.0\./bee==1\.0/' requirements.txt"),
    ],
)
def test_a_line_that_uv_cannot_read_is_blamed_with_its_place(clone, line, command):
    clone.write(requirements__txt=f"{INDEX}ant\n{line}\n")

    with pytest.raises(ManifestError) as caught:
        clone.lock(clone.read())

    error = caught.value
    assert ("python/requirement", f"`{line}` is not understood") == (error.slug, error.what)
    assert ("requirements.txt", 4) == (error.place.file, error.place.line)
    assert error.help == (command,)


def test_a_list_with_sentences_comes_with_the_command_that_makes_them_remarks(clone):
    clone.wheel("ant")
    text = f"{INDEX}Don't forget to install it!\nant\nfor terminals:\nor:\nant for ever\n"
    clone.write(requirements__txt=text)

    with pytest.raises(ManifestError) as caught:
        clone.lock(clone.read())

    (command,) = caught.value.help
    assert command.endswith(" requirements.txt   # makes the sentences comments")
    subprocess.run(["/bin/sh", "-c", command], cwd=clone.root, check=True)
    assert {"ant": "1.0"} == rows(clone.lock(clone.read()))


def test_a_hashed_file_is_a_lock_and_needs_no_other(clone):
    digest = clone.wheel("ant")
    clone.write(requirements__txt=f"{INDEX}ant==1.0 --hash={digest}\n")

    project = clone.read()
    clone.sync(project)

    assert (False, {"ant": "1.0"}) == (project.needs_lock, clone.versions())


def test_a_pipfile_lock_is_installed_with_its_stale_state_said(clone):
    digest = clone.wheel("ant")
    table = {"_meta": {"hash": {"sha256": "0"}}, "default": {"ant": {"version": "==1.0", "hashes": [digest]}}}
    pipfile = "source = []\n[packages]\nant = '*'\n"
    clone.write(Pipfile__lock=json.dumps(table), Pipfile=pipfile)
    clone.environ["UV_FIND_LINKS"] = clone.wheels
    clone.uv = make_uv(clone.environ, str(clone.root), offline=True)

    clone.sync(clone.read())

    assert {"ant": "1.0"} == clone.versions()
    assert [("python/lock-stale", "Pipfile.lock is older than its Pipfile")] == [
        (event.slug, event.text) for event in clone.reporter.events if event.kind == WARNING
    ]


def test_a_uv_lock_is_read_by_uv_without_network_and_without_its_addresses(clone):
    digest = clone.wheel("ant")
    clone.write(
        pyproject__toml='[project]\nname = "clone"\nversion = "1"\nrequires-python = ">=3.8"\ndependencies = ["ant"]\n',
        uv__lock=f"""version = 1
revision = 3
requires-python = ">=3.8"

[[package]]
name = "ant"
version = "1.0"
source = {{ registry = "https://mirror.example.test/simple" }}
wheels = [{{ url = "https://mirror.example.test/ant-1.0-py3-none-any.whl", hash = "{digest}" }}]

[[package]]
name = "clone"
version = "1"
source = {{ virtual = "." }}
dependencies = [{{ name = "ant" }}]

[package.metadata]
requires-dist = [{{ name = "ant" }}]
""",
    )
    clone.environ["UV_FIND_LINKS"] = clone.wheels
    clone.uv = make_uv(clone.environ, str(clone.root), offline=True)

    project = clone.read()
    clone.sync(project)

    pin = project.loaded.locked.pins[0]
    assert ("ant", "1.0", (digest,), ("ant-1.0-py3-none-any.whl",)) == (pin.name, pin.version, pin.hashes, pin.files)
    assert {"ant": "1.0"} == clone.versions()


def test_groups_of_a_pyproject_are_resolved_with_it(clone):
    clone.wheel("ant")
    clone.wheel("checker")
    clone.wheel("writer")
    clone.write(
        pyproject__toml="""
[project]
name = "clone"
version = "1"
dependencies = ["ant"]
[dependency-groups]
dev = ["checker"]
docs = ["writer"]
[tool.uv]
no-index = true
find-links = ["../wheels"]
"""
    )

    assert {"ant": "1.0", "checker": "1.0"} == rows(clone.lock(clone.read()))
    assert {"ant": "1.0", "writer": "1.0"} == rows(clone.lock(clone.read(groups=("docs",))))


def test_a_git_dependency_keeps_its_commit_in_the_lock_and_its_address_in_the_file(clone, tmp_path):
    repository = make_repository(tmp_path)
    line = f"tool @ git+file://{repository}@main\n"
    clone.write(requirements__txt=f"{INDEX}{line}")

    project = clone.read()
    lock = clone.lock(project)
    clone.sync(project, lock)

    row = lock.rows[0]
    assert ("tool", "git", 40, 16, "") == (row.name, row.kind, len(row.commit), len(row.key), row.path)
    assert str(repository) not in repr(lock)
    assert {"tool": "1.0"} == clone.versions()

    clone.write(requirements__txt=INDEX)
    with pytest.raises(LockError) as caught:
        pins_of(clone.read(), lock)
    assert "lock/no-address" == caught.value.slug


def make_repository(tmp_path):
    from subprocess import run

    from tests.process.environment.venv.test_sync import BACKEND

    folder = tmp_path / "tool"
    folder.mkdir()
    (folder / "backend.py").write_text(BACKEND.replace("own", "tool"))
    (folder / "pyproject.toml").write_text(
        '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
        '[project]\nname = "tool"\nversion = "1.0"\n'
    )
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.test")
    for arguments in (("init", "-q", "-b", "main"), ("add", "."), (*identity, "commit", "-q", "-m", "first")):
        run(["git", *arguments], cwd=folder, check=True)
    return folder


def test_a_file_that_the_manifest_names_but_is_not_there_is_blamed(clone):
    with pytest.raises(DevbootError) as caught:
        clone.read(requirements=("requirements-dev.txt",))

    assert ("python/no-requirements", "`requirements-dev.txt` can't be read") == (
        caught.value.slug,
        caught.value.what,
    )


def test_a_damaged_lock_names_the_command_that_writes_it_anew(clone):
    clone.write(poetry__lock="<<<<<<< HEAD\n")

    with pytest.raises(LockError) as caught:
        clone.read()

    assert ("python/lock-unreadable", ("recreate it: `poetry lock`",)) == (caught.value.slug, caught.value.help)


def test_a_file_of_comments_locks_nothing(clone):
    clone.write(requirements__txt="# later\n")

    assert () == clone.lock(clone.read()).rows


def test_what_runs_on_windows_alone_stands_in_nobodys_way(clone):
    clone.wheel("ant", requires=["pywin32==227; sys_platform == 'win32'"])
    clone.write(requirements__txt=f"{INDEX}ant==1.0\ntwisted-iocpsupport==1.0.1\npypiwin32==223\n")

    assert {"ant": "1.0"} == rows(clone.lock(clone.read()))


def test_a_pyproject_of_groups_alone_is_resolved(clone):
    clone.wheel("ant")
    clone.write(
        pyproject__toml='[dependency-groups]\napp = ["ant"]\n[tool.uv]\nno-index = true\nfind-links = ["../wheels"]\n'
    )

    assert {"ant": "1.0"} == rows(clone.lock(clone.read()))


def test_a_project_without_any_list_gets_an_empty_virtualenv(clone):
    project = clone.read()
    result = clone.sync(project)

    assert ((), 0, True) == (project.inputs, result.packages, Path(project.venv).is_dir())


def test_a_floor_of_the_projects_that_its_packages_do_not_reach_is_raised_to_the_interpreter(clone):
    write_wheel(clone.wheels, "ant", "1.0", requires_python=f">={MINOR}")
    clone.write(requirements__txt=f"{INDEX}ant\n")
    clone.uv = make_uv({**clone.environ, "PATH": f"{clone.root.parent}/bin"}, str(clone.root))

    lock = clone.lock(clone.read(version=">=3.8"))

    assert ({"ant": "1.0"}, MINOR) == (rows(lock), lock.lowest_python)


def test_a_git_dependency_that_was_taken_out_does_not_hinder_a_new_lock(clone, tmp_path):
    clone.wheel("ant")
    clone.write(requirements__txt=f"{INDEX}ant\ntool @ git+file://{make_repository(tmp_path)}@main\n")
    first = clone.lock(clone.read())
    clone.write(requirements__txt=f"{INDEX}ant\n")

    assert {"ant": "1.0"} == rows(clone.lock(clone.read(), previous=first))


def test_a_virtualenv_that_sees_the_systems_packages_gets_all_that_is_locked_itself(clone):
    clone.wheel("ant")
    clone.wheel("packaging", "99.0")  # the interpreter of the tests has another one
    clone.write(requirements__txt=f"{INDEX}ant\npackaging\n")
    venv = [find_binary(), "venv", "--quiet", "--system-site-packages", "--python", sys.executable, ".venv"]
    subprocess.run(venv, cwd=clone.root, env=clone.environ, check=True)

    project = clone.read()
    clone.sync(project, clone.lock(project))

    assert {"ant": "1.0", "packaging": "99.0"} == clone.versions()


def test_constraints_hold_for_what_is_needed_by_others(clone):
    clone.wheel("ant", requires=["bee"])
    for version in ("1.0", "2.0"):
        clone.wheel("bee", version)
    clone.write(requirements__txt=f"{INDEX}-c limits.txt\nant\n", limits__txt="bee<2\nwasp<1\n")

    project = clone.read()
    lock = clone.lock(project)
    assert {"ant": "1.0", "bee": "1.0"} == rows(lock)
    clone.write(limits__txt="bee<3\n")
    assert is_lock_stale(clone.read(), lock)


def test_an_editable_of_the_clone_is_installed_beside_what_is_hashed(clone):
    clone.wheel("ant")
    folder = clone.root / "lib"
    folder.mkdir()
    (folder / "pyproject.toml").write_text(
        '[project]\nname = "own-lib"\nversion = "0.3"\ndependencies = ["ant"]\n'
        '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
    )
    (folder / "backend.py").write_text(BACKEND)
    (folder / "own_lib.py").write_text("HERE = True\n")
    clone.write(requirements__txt=f"{INDEX}-e ./lib\n")

    project = clone.read()
    lock = clone.lock(project)
    clone.sync(project, lock)

    own = next(row for row in lock.rows if row.kind == "editable")
    assert ("own-lib", "lib") == (own.name, own.path)
    assert {"ant": "1.0", "own-lib": "0.3"} == clone.versions()


BACKEND = """
import os, zipfile

def _wheel(folder, files):
    name = "own_lib-0.3-py3-none-any.whl"
    info = "own_lib-0.3.dist-info"
    files = {
        **files,
        f"{info}/METADATA": "Metadata-Version: 2.1\\nName: own-lib\\nVersion: 0.3\\nRequires-Dist: ant\\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\\nGenerator: tests\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n",
    }
    files[f"{info}/RECORD"] = "".join(f"{path},,\\n" for path in [*files, f"{info}/RECORD"])
    with zipfile.ZipFile(os.path.join(folder, name), "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)
    return name

def build_wheel(folder, config=None, metadata=None):
    return _wheel(folder, {"own_lib.py": "HERE = False\\n"})

def build_editable(folder, config=None, metadata=None):
    return _wheel(folder, {"own_lib.pth": os.getcwd() + "\\n"})
"""


def test_an_interpreter_that_was_given_may_have_another_patch_version_than_the_lock(clone):
    clone.write(requirements__txt=INDEX)
    lock = replace(clone.lock(clone.read()), interpreter=f"{MINOR}.99")
    brought = replace(clone.read(), given=os.path.realpath(sys.executable))

    clone.sync(brought, lock)

    assert [event.slug for event in clone.reporter.events if event.slug] == ["python/patch-version"]
