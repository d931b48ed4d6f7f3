"""Requirements from indexes of a project's own: spans, private ones, one that is away."""

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from devboot.environment.project_python import is_lock_stale
from devboot.environment.python_choice import downwards, find_interpreter
from devboot.errors import DevbootError, WorkError
from devboot.events import NOTE
from devboot.uv.client import make_uv
from tests.fakes.clone import MINOR, rows
from tests.fakes.index import Index
from tests.fakes.wheels import write_sdist, write_wheel

OTHER = f"3.{int(MINOR.split('.')[1]) - 1}"


@pytest.fixture
def serve(tmp_path):
    """Starts indexes of one folder each."""
    started = []

    def start(name):
        (tmp_path / name).mkdir()
        started.append(Index(str(tmp_path / name)))
        return started[-1]

    yield start
    for index in started:
        index.close()


def days_ago(days):
    return (datetime.now(UTC) - timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")


def test_a_span_keeps_what_was_published_lately_out(clone, serve):
    index = serve("index")
    for version, age in (("1.0", 30), ("2.0", 2)):
        write_wheel(index.folder, "ant", version)
        index.dates[f"ant-{version}-py3-none-any.whl"] = days_ago(age)
    clone.write(requirements__txt=f"-i {index.url}\nant\n")

    assert {"ant": "2.0"} == rows(clone.lock(clone.read()))
    cautious = clone.read(exclude_newer="7 days")
    lock = clone.lock(cautious)

    assert {"ant": "1.0"} == rows(lock)
    assert is_lock_stale(clone.read(), lock)
    assert not is_lock_stale(cautious, lock)


@pytest.mark.faults(62)
def test_private_indexes_are_asked_as_the_file_says_and_the_first_that_has_a_name_counts(clone, serve):
    public, private = serve("public"), serve("private")
    write_wheel(public.folder, "ant", "1.0")
    write_wheel(public.folder, "own", "9.9", files={"own.py": "EVIL = True\n"})
    write_wheel(private.folder, "own", "1.0")
    clone.write(requirements__txt=f"-i {public.url}\n--extra-index-url {private.url}\nant\nown\n")

    project = clone.read()
    lock = clone.lock(project)
    clone.sync(project, lock)

    assert {"ant": "1.0", "own": "1.0"} == rows(lock) == clone.versions()
    assert not [row for row in lock.rows if "127.0.0.1" in repr(row)]


def test_an_index_that_is_away_is_blamed_with_its_line(clone, serve):
    public = serve("public")
    write_wheel(public.folder, "ant", "1.0")
    clone.environ |= {"UV_HTTP_RETRIES": "0", "UV_HTTP_TIMEOUT": "60"}
    clone.uv = make_uv(clone.environ, str(clone.root))
    clone.write(requirements__txt=f"-i {public.url}\n--extra-index-url http://127.0.0.1:9/simple/\nant\n")

    with pytest.raises(DevbootError) as caught:
        clone.lock(clone.read())

    assert caught.value.slug.startswith("network/")
    assert ("requirements.txt", 2) == (caught.value.place.file, caught.value.place.line)


def old_project(clone, index):
    """An old list with a package whose build works with the tool of its time only; returns the wish of detection."""
    write_sdist(index.folder, "ant", "1.0", requires=["tool"], backend="import tool\nassert tool.VERSION == '1.0'\n")
    for version in ("1.0", "2.0"):
        write_wheel(index.folder, "tool", version)
    clone.environ["UV_DEFAULT_INDEX"] = index.url
    clone.uv = make_uv(clone.environ, str(clone.root))
    clone.write(requirements__txt="ant==1.0\n")
    return {"exclude_newer": "2021-06-01", "may_stand_in": True}


def test_a_package_of_an_old_list_is_built_with_what_the_index_had_then(clone, serve):
    index = serve("index")
    wish = old_project(clone, index)
    index.dates |= {
        "ant-1.0.tar.gz": "2021-01-01T00:00:00Z",
        "tool-1.0-py3-none-any.whl": "2020-01-01T00:00:00Z",
        "tool-2.0-py3-none-any.whl": "2025-01-01T00:00:00Z",
    }

    project = clone.read(**wish)
    clone.sync(project, clone.lock(project))

    assert {"ant": "1.0"} == clone.versions()


def test_where_an_index_has_no_dates_an_old_list_goes_without_and_a_line_says_so(clone, serve):
    index = serve("index")
    wish = old_project(clone, index)
    os.unlink(os.path.join(index.folder, "tool-2.0-py3-none-any.whl"))

    project = clone.read(**wish)
    clone.sync(project, clone.lock(project))

    assert {"ant": "1.0"} == clone.versions()
    said = [event.text for event in clone.reporter.events if event.kind == NOTE]
    assert "choosing versions again, whatever their date: those of 2021-06-01 don't suffice" in said
    assert "the index has no suitable build requirements of 2021-06-01: builds use today's" in said


def test_a_date_that_somebody_has_written_down_is_kept_to(clone, serve):
    index = serve("index")
    wish = old_project(clone, index)

    with pytest.raises(WorkError, match="python/"):
        clone.lock(clone.read(exclude_newer=wish["exclude_newer"]))


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (
            {"version": ""},
            f"echo {OTHER} > '{{}}/.python-version'   # ant==1.0 has a wheel for it",
        ),
        ({}, f'`version = "{OTHER}"` in `[python]` of devboot.toml: `ant==1.0` has a wheel for it'),
    ],
)
def test_a_failed_build_names_the_python_that_needs_none(clone, serve, options, expected):
    index = serve("index")
    tag = f"cp{OTHER.replace('.', '')}"
    write_sdist(index.folder, "ant", "1.0", backend="raise OSError('no compiler')\n")
    write_wheel(index.folder, "ant", "1.0", tag=f"{tag}-{tag}-any")
    clone.environ |= {"UV_DEFAULT_INDEX": index.url, "UV_PYTHON_DOWNLOADS": "never"}
    clone.uv = make_uv(clone.environ, str(clone.root))
    clone.write(requirements__txt="ant==1.0\n")
    project = clone.read(**options)

    with pytest.raises(WorkError) as caught:
        clone.sync(project, clone.lock(project))

    assert ("python/build-failed", expected.format(clone.root)) == (caught.value.slug, caught.value.help[0])


@pytest.mark.parametrize(
    ("last", "tries"),
    [("ImportError: cannot import name 'x' from 'y' (/builds/{}/y.py)", 1), ("error: command 'gcc' failed", 3)],
)
def test_a_third_python_is_not_tried_where_two_fail_by_the_same_exception(clone, tmp_path, last, tries):
    for version in ("3.7.9", "3.6.9", "3.5.9"):
        older = tmp_path / ".pyenv" / "versions" / version / "bin"
        older.mkdir(parents=True)
        (older / "python3").symlink_to(os.path.realpath(sys.executable))
    clone.uv = make_uv(clone.environ, str(clone.root), offline=True)
    project = clone.read(version="")
    tried = []

    def fail(python):
        tried.append(python)
        raise WorkError("python/build-failed", "`ant==1.0` could not be built", details=[last.format(len(tried))])

    first = find_interpreter(clone.uv, project, environ=clone.environ)
    with pytest.raises(WorkError, match=r"ant==1\.0"):
        downwards(clone.uv, project, clone.environ, clone.reporter, first, fail, ("python/build-failed",))

    assert tries == len(tried) - 1


@pytest.mark.parametrize(
    ("line", "remark", "left"),
    [
        ("bee==1.0", "where nothing imports it", "ant\n"),
        ("cat[x.y]==1.0 ; python_version > '3'", "any version", "ant\ncat[x.y] ; python_version > '3'\n"),
    ],
)
def test_what_no_index_has_comes_with_the_command_that_edits_the_list(clone, serve, line, remark, left):
    index = serve("index")
    write_wheel(index.folder, "ant", "1.0")
    write_wheel(index.folder, "cat", "2.0")
    clone.environ["UV_DEFAULT_INDEX"] = index.url
    clone.uv = make_uv(clone.environ, str(clone.root))
    clone.write(requirements__txt=f"ant\n{line}\n")

    with pytest.raises(WorkError) as caught:
        clone.lock(clone.read())
    command = caught.value.help[0]
    subprocess.run(["/bin/sh", "-c", command], cwd=clone.root, check=True)

    assert command.endswith(f"requirements.txt   # {remark}")
    assert left == (clone.root / "requirements.txt").read_text()
    assert "ant" in rows(clone.lock(clone.read()))


def test_a_tool_for_development_that_cannot_be_had_or_built_is_left_out_with_a_note(clone, serve):
    index = serve("index")
    write_wheel(index.folder, "ant", "1.0")
    write_wheel(index.folder, "black", "1.0")
    write_sdist(index.folder, "flake8", "1.0", backend="raise OSError('no compiler')\n")
    clone.environ["UV_DEFAULT_INDEX"] = index.url
    clone.uv = make_uv(clone.environ, str(clone.root))
    clone.write(requirements__txt="ant\nblack==9.0\nflake8\n")

    project = clone.read()
    lock = clone.lock(project)
    clone.sync(project, lock)

    assert {"ant": "1.0", "flake8": "1.0"} == rows(lock)
    assert {"ant": "1.0"} == clone.versions()
    said = [event.text for event in clone.reporter.events if event.text.startswith("left out: ")]
    assert [text.split(",")[0] for text in said] == ["left out: `black`", "left out: `flake8`"]


@pytest.mark.parametrize("needed", ["ant", "ant==9.0"])
def test_a_package_of_a_group_for_development_never_stops_a_start_and_one_of_the_application_does(clone, serve, needed):
    index = serve("index")
    write_wheel(index.folder, "ant", "1.0")
    write_wheel(index.folder, "bee", "1.0")
    clone.environ["UV_DEFAULT_INDEX"] = index.url
    clone.uv = make_uv(clone.environ, str(clone.root))
    project = f'[project]\nname = "shop"\nversion = "1"\ndependencies = ["{needed}"]\n'
    clone.write(pyproject__toml=f'{project}[dependency-groups]\ndev = ["bee", "wasp-tools==2.0", "fly==3.0"]\n')

    if needed != "ant":
        with pytest.raises(WorkError, match="python/"):
            clone.lock(clone.read())
        return
    assert {"ant": "1.0", "bee": "1.0"} == rows(clone.lock(clone.read()))
    said = " ".join(event.text for event in clone.reporter.events if event.text.startswith("left out: "))
    assert "`wasp-tools`" in said
    assert "`fly`" in said


def test_what_the_application_may_need_is_never_left_out(clone, serve):
    index = serve("index")
    write_wheel(index.folder, "ant", "1.0")
    clone.environ["UV_DEFAULT_INDEX"] = index.url
    clone.uv = make_uv(clone.environ, str(clone.root))
    clone.write(requirements__txt="ant==9.0\nblack\n")

    with pytest.raises(WorkError, match="python/"):
        clone.lock(clone.read())


def test_a_package_with_wheels_for_another_python_alone_names_that(clone, serve):
    index = serve("index")
    tag = f"cp{OTHER.replace('.', '')}"
    write_wheel(index.folder, "ant", "1.0", tag=f"{tag}-{tag}-any")
    clone.environ |= {"UV_DEFAULT_INDEX": index.url, "UV_PYTHON_DOWNLOADS": "never"}
    clone.uv = make_uv(clone.environ, str(clone.root))
    clone.write(requirements__txt="ant==1.0\n")
    project = clone.read()

    with pytest.raises(WorkError) as caught:
        clone.sync(project, clone.lock(project))

    expected = f'`version = "{OTHER}"` in `[python]` of devboot.toml: `ant==1.0` has a wheel for it'
    assert ("python/resolution", expected) == (caught.value.slug, caught.value.help[0])
