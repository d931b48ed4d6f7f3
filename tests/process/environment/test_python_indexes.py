"""Requirements from indexes of a project's own: spans, private ones, one that is away."""

from datetime import UTC, datetime, timedelta

import pytest

from devboot.environment.python import (
    is_lock_stale,
)
from devboot.errors import DevbootError
from devboot.uv.client import make_uv
from tests.fakes.clone import rows
from tests.fakes.index import Index
from tests.fakes.wheels import write_wheel


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
