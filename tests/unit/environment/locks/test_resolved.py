"""The rows that devboot.lock keeps, and the indexes that are declared."""

from dataclasses import replace

import pytest

from devboot.environment.locks.indexes import blaming, index_settings
from devboot.environment.locks.pins import EDITABLE, GIT, Direct, IndexLine, Pin, Pins
from devboot.environment.locks.requirements import parse_line
from devboot.environment.locks.resolved import PythonRow, address_key, from_rows, resolve_unlocked, to_rows
from devboot.environment.locks.unlocked import Unlocked
from devboot.errors import LockError, NetworkError, Place, WorkError
from devboot.uv.child import Finished
from devboot.uv.packages import IndexSettings

A = "sha256:" + "a" * 64
COMMIT = "0123456789abcdef0123456789abcdef01234567"
USUAL = "https://usual.example.test/simple"
CELERY = Unlocked(tuple(parse_line(text, (), Place("requirements.txt")) for text in ("celery==5.2.7", "redis==4.4.0")))

NUMBERED = Unlocked((parse_line("redis==4.4.0", (), Place("requirements.txt", 7)),))


def test_rows_hold_no_address_and_are_sorted():
    pins = Pins(
        ("requirements.txt",),
        (Pin("b", "1", 'sys_platform == "linux"', ("x",), (A,), ("b-1.tar.gz",)), Pin("a", "2", hashes=(A,))),
        (
            Direct(GIT, "git+https://ann:pw@git.example.test/t.git@main", "/p", "t", commit=COMMIT),
            Direct(EDITABLE, "lib", "/p/app", "lib"),
        ),
    )

    rows = to_rows(pins, "/p")

    assert (
        PythonRow("a", "2", hashes=(A,)),
        PythonRow("b", "1", 'sys_platform == "linux"', ("x",), (A,), sdist=True),
        PythonRow("lib", kind=EDITABLE, path="app/lib"),
        PythonRow("t", kind=GIT, key=address_key("https://git.example.test/t"), commit=COMMIT),
    ) == rows


def test_addresses_come_back_from_the_projects_own_lines():
    declared = Direct(GIT, "git+https://git.example.test/t.git@main", "/p", file="requirements.txt", line=3)
    pins = Pins(("x",), (Pin("a", "2", hashes=(A,)),), (replace(declared, name="t", commit=COMMIT),))

    found = from_rows(to_rows(pins, "/p"), "/p", Unlocked(declared=(declared,)))

    assert (replace(declared, name="t", commit=COMMIT),) == found.directs
    assert pins.pins == found.pins


def test_an_address_that_no_file_declares_is_refused():
    rows = (PythonRow("t", kind=GIT, key="0" * 16, commit=COMMIT),)

    with pytest.raises(LockError) as caught:
        from_rows(rows, "/p", Unlocked())

    assert ("lock/no-address", "no file of this project names the address that `t` comes from") == (
        caught.value.slug,
        caught.value.what,
    )


@pytest.mark.parametrize(
    "address",
    [
        "git+https://git.example.test/a/t.git@main",
        "git+ssh://git@git.example.test/a/t#egg=t",
        "https://token@git.example.test/a/t.git/",
    ],
)
def test_an_address_has_one_key_however_it_is_written(address):
    assert address_key("https://git.example.test/a/t") == address_key(address)


def settings(*lines, environ=None):
    return index_settings([IndexLine(kind, url, "f") for kind, url in lines], lambda: USUAL, environ or {})


def test_a_line_that_names_the_usual_index_adds_nothing():
    assert IndexSettings() == settings(("default", f"{USUAL}/"), ("extra", "https://www.usual.example.test/simple"))


def test_other_indexes_are_handed_on_in_their_order():
    found = settings(
        ("default", USUAL),
        ("extra", "https://$NAME:${WORD}@one.example.test/simple"),
        ("default", "https://two.example.test/simple"),
        ("find-links", "wheels"),
        ("trusted-host", "one.example.test"),
        environ={"NAME": "ann", "WORD": "secret"},
    )

    expected = IndexSettings(
        default="https://two.example.test/simple",
        extra=("https://ann:secret@one.example.test/simple",),
        find_links=("wheels",),
        trusted_hosts=("one.example.test",),
    )
    assert expected == found
    assert {
        "UV_DEFAULT_INDEX": "https://two.example.test/simple",
        "UV_INDEX": "https://ann:secret@one.example.test/simple https://mine.example.test",
        "UV_FIND_LINKS": "wheels",
        "UV_INSECURE_HOST": "one.example.test",
    } == found.variables({"UV_INDEX": "https://mine.example.test"})


def test_an_explicit_index_is_asked_only_for_what_is_chosen_already():
    lines = [IndexLine("explicit", "https://special.example.test/simple", "pyproject.toml")]

    found = [index_settings(lines, lambda: USUAL, {}, are_pinned=are_pinned).extra for are_pinned in (True, False)]

    assert [("https://special.example.test/simple",), ()] == found


def test_a_host_that_cannot_be_reached_is_blamed_on_the_line_that_declares_it(tmp_path):
    (tmp_path / "requirements.txt").write_text("-i https://ann:pw@one.example.test/simple\nant\n")
    lines = [IndexLine("default", "https://ann:pw@one.example.test/simple", "requirements.txt", 1)]

    with pytest.raises(NetworkError) as caught, blaming(lines, str(tmp_path)):
        raise NetworkError("network/unreachable", "one.example.test can't be reached")

    place = caught.value.place
    assert ("requirements.txt", 1, "declared here") == (place.file, place.line, place.label)
    assert "-i https://***@one.example.test/simple" == place.source


def test_a_host_that_no_line_declares_has_no_place(tmp_path):
    lines = [IndexLine("default", "https://one.example.test/simple", "requirements.txt", 1)]

    with pytest.raises(NetworkError) as caught, blaming(lines, str(tmp_path)):
        raise NetworkError("network/unreachable", "two.example.test can't be reached")

    assert caught.value.place is None


def test_uv_is_not_asked_for_its_index_where_no_line_needs_it():
    def never():
        raise AssertionError

    assert IndexSettings(no_index=True) == index_settings([IndexLine("no-index", "", "f")], never, {})


class FakeUv:
    """Answers `uv pip compile`: refuses what it is told to refuse, and keeps what it was asked."""

    folder = "/p"
    environ: dict[str, str]

    def __init__(self, refused="", what="these versions don't go together"):
        self.environ = {}
        self.refused = refused
        self.what = what
        self.asked = []

    def run(self, arguments, *, doing, stdin="", variables=None):
        self.asked.append(stdin)
        if self.refused and self.refused in stdin:
            raise WorkError("python/resolution", self.what)
        return Finished(0, 'lock-version = "1.0"\n', ())


def test_a_list_of_celery_and_redis_is_resolved_with_what_goes_with_this_redis():
    uv = FakeUv()
    resolve_unlocked(uv, CELERY, python="/python", lowest_python="3.11")
    assert ["celery==5.2.7\nredis==4.4.0\nkombu[redis]\n"] == uv.asked


def test_where_the_projects_own_pins_are_against_it_they_count():
    uv = FakeUv(refused="kombu")
    resolve_unlocked(uv, CELERY, python="/python", lowest_python="3.11")
    assert "celery==5.2.7\nredis==4.4.0\n" == uv.asked[-1]


BROKEN_TOGETHER = """lock-version = "1.0"
[[packages]]
name = "flask"
version = "2.2.2"
wheels = [{ name = "flask-2.2.2-py3-none-any.whl", hashes = { sha256 = "aa" } }]
[[packages]]
name = "werkzeug"
version = "3.1.3"
wheels = [{ name = "werkzeug-3.1.3-py3-none-any.whl", hashes = { sha256 = "aa" } }]
"""


class Doing:
    """A reporter that knows what goes on."""

    def __init__(self):
        self.texts = []

    def emit(self, event):
        self.texts.append(event.text) if event.text else self.texts.pop()


@pytest.mark.faults(125)
@pytest.mark.parametrize("previous", [(), (Pin("redis", "4.4.0"),)])
def test_every_resolution_but_the_first_is_announced(previous):
    reporter, said = Doing(), []

    class Uv(FakeUv):
        def run(self, arguments, *, doing, stdin="", variables=None):
            said.append(tuple(reporter.texts))
            done = super().run(arguments, doing=doing, stdin=stdin, variables=variables)
            return done if len(said) > 4 else Finished(0, BROKEN_TOGETHER, ())

    resolve_unlocked(
        Uv(refused="kombu"), CELERY, python="/python", lowest_python="3.11", previous=previous, reporter=reporter
    )
    assert len(said) > 1
    assert [] == [number for number, texts in enumerate(said) if number and not texts]
    assert [] == reporter.texts


@pytest.mark.parametrize("fault", ["no index has `redis`", "there is no `redis==4.4.0` for Python >=3.9"])
def test_what_nobody_offers_is_blamed_on_the_line_that_asks_for_it(fault):
    uv = FakeUv(refused="redis", what=f"could not resolve the requirements: {fault}")

    with pytest.raises(WorkError) as caught:
        resolve_unlocked(uv, NUMBERED, python="/python", lowest_python="3.9")

    place = caught.value.place
    assert ("requirements.txt", 7, "redis==4.4.0") == (place.file, place.line, place.source)


def test_what_a_dependency_asks_for_is_blamed_on_no_line():
    uv = FakeUv(refused="redis", what="could not resolve the requirements: no index has `vine`")

    with pytest.raises(WorkError) as caught:
        resolve_unlocked(uv, NUMBERED, python="/python", lowest_python="3.9")

    assert caught.value.place is None
