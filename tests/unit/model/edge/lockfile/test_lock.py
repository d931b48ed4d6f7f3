"""devboot.lock: one value has one text, whatever is damaged is named, and staleness needs no network."""

import os
import random
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from devboot.errors import Exit, LockError, Problems
from devboot.model.edge.artifacts import ArtifactRow
from devboot.model.edge.lockfile.lock import (
    FORMAT,
    Change,
    Lock,
    LockedPackage,
    PythonLock,
    PythonPackage,
    Wish,
    changed_origins,
    lock_to_text,
    parse_lock,
    stale_packages,
)
from tests.fakes.rendering import render

GOLDEN = Path(__file__).parents[4] / "golden/lock/example.lock"


def row(digest="a", **changes):
    known = {
        "source": "wheel",
        "name": "redis-bin",
        "version": "1.4.1",
        "file": "redis_bin-1.4.1-py3-none-manylinux_2_17_x86_64.whl",
        "sha256": digest * 64,
        "size": 22001848,
        "glibc": "2.28",
        "publisher": "Example",
    }
    return ArtifactRow(**known | changes)


def package(name="redis", requested="8", **changes):
    known = {
        "name": name,
        "version": "8.2.3",
        "requested": requested,
        "linux-x86_64": row(),
        "macos-arm64": row("b", glibc="", macos="11.0", file="redis_bin-1.4.1-py3-none-macosx_11_0_arm64.whl"),
        "unavailable": {"macos-x86_64": "redis-bin==1.4.1 has no wheel for it", "linux-aarch64": "none"},
    }
    return LockedPackage(**known | changes)


def example():
    return Lock(
        package=(package(), package("valkey", "", revision=2, insisted="wheel")),
        python=PythonLock(
            **{"requires-python": ">=3.11", "exclude-newer": "7 days", "groups": ("test", "dev")},
            options=("--no-binary", "lxml"),
            inputs={"requirements.txt": f"sha256:{'c' * 64}", "requirements/dev.txt": f"sha256:{'d' * 64}"},
            package=(
                PythonPackage(name="django", version="5.2", hashes=(f"sha256:{'f' * 64}", f"sha256:{'a' * 64}")),
                PythonPackage(
                    name="celery", version="5.4", extras=("redis",), hashes=(f"sha256:{'b' * 64}",), sdist=True
                ),
                PythonPackage(
                    name="tzdata", version="2026.1", marker='sys_platform == "win32"', hashes=(f"sha256:{'e' * 64}",)
                ),
                PythonPackage(name="shop", kind="editable", path="."),
                PythonPackage(name="forked", kind="git", key="0123", commit="4567"),
            ),
        ),
    )


def test_the_text_of_a_lock_is_the_golden_one():
    assert GOLDEN.read_text() == lock_to_text(example())


def test_a_lock_is_read_as_it_was_written():
    text = lock_to_text(example())

    assert text == lock_to_text(parse_lock(text))
    assert text == lock_to_text(parse_lock(text.replace("\n", "\r\n").encode()))


@pytest.mark.parametrize("seed", range(10))
def test_the_order_of_the_input_changes_no_byte(seed):
    lock, shuffle = example(), random.Random(seed)

    def mixed(values):
        return tuple(shuffle.sample(values, len(values)))

    python = lock.python.model_copy(
        update={
            "package": mixed([pin.model_copy(update={"hashes": mixed(pin.hashes)}) for pin in lock.python.package]),
            "inputs": dict(mixed(list(lock.python.inputs.items()))),
            "groups": mixed(lock.python.groups),
        }
    )

    assert lock_to_text(lock) == lock_to_text(
        lock.model_copy(update={"package": mixed(lock.package), "python": python})
    )


@settings(deadline=None, suppress_health_check=list(HealthCheck))
@given(st.text(), st.text(min_size=1).filter(str.strip))
def test_any_text_survives(marker, name):
    pin = PythonPackage(name=name, marker=marker.replace("\ud800", ""))
    lock = Lock(python=PythonLock(package=(pin,), inputs={name: f"sha256:{'a' * 64}"}))

    assert lock == parse_lock(lock_to_text(lock))


def several():
    """Products that are more than one file: an app, and what a distribution has."""

    def part(name, digest):
        return {"name": name, "version": "1.1", "file": f"{name}.deb", "sha256": digest * 64, "size": 7}

    def on(release, platform, digest):
        files = [part("libtoy", digest), part("toy", "e")]
        known = {"source": "deb", "name": "toy", "version": "1.6.38-1", "publisher": "Debian"}
        return {"on": release, "platform": platform, "product": "1.6.38", **known, "files": files}

    pins = [
        {"name": "six", "version": "1.17", "hashes": [f"sha256:{'d' * 64}", f"sha256:{'c' * 64}"]},
        {"name": "tomli", "version": "2.4", "marker": 'python_version < "3.12"', "hashes": [f"sha256:{'b' * 64}"]},
    ]
    app = {"source": "app", "name": "mail", "version": "1.1.1", "size": 23_000_000}
    return Lock(
        package=(
            LockedPackage(name="mail", version="1.1.1", pin=pins, **{"linux-x86_64": app, "macos-arm64": app}),
            LockedPackage(
                name="toy",
                version="1.6.38",
                unavailable={"macos-arm64": "no source has it for this platform"},
                distribution=[on("ubuntu-24.04", "linux-x86_64", "a"), on("debian-13", "linux-x86_64", "b")],
            ),
        )
    )


def test_products_of_several_files_have_a_golden_text_that_is_read_again():
    text = lock_to_text(several())
    golden = GOLDEN.with_name("several.lock")
    if os.environ.get("REWRITE_GOLDEN"):
        golden.write_text(text)

    assert golden.read_text() == text
    assert lock_to_text(parse_lock(text)) == text


@pytest.mark.parametrize("seed", range(10))
def test_the_order_of_files_and_pins_changes_neither_text_nor_digest(seed):
    lock, shuffle = several(), random.Random(seed)
    mail, toy = lock.package

    def mixed(values):
        return tuple(shuffle.sample(values, len(values)))

    pins = mixed([pin.model_copy(update={"hashes": mixed(pin.hashes)}) for pin in mail.pin])
    rows = mixed([row.model_copy(update={"files": mixed(row.files)}) for row in toy.distribution])
    other = Lock(package=(toy.model_copy(update={"distribution": rows}), mail.model_copy(update={"pin": pins})))

    assert lock_to_text(lock) == lock_to_text(other)
    assert mail.row("linux-x86_64").artifact(mail.pin) == mail.row("linux-x86_64").artifact(pins)
    assert toy.on("debian-13", "linux-x86_64").artifact() == other.package[0].on("debian-13", "linux-x86_64").artifact()


def test_one_digest_stands_for_all_files():
    mail, toy = several().package
    one, other = (toy.on(name, "linux-x86_64").artifact() for name in ("debian-13", "ubuntu-24.04"))

    assert one.sha256 != other.sha256
    assert one.size == 14
    assert mail.row("macos-arm64").artifact(mail.pin).sha256 != mail.row("macos-arm64").artifact(mail.pin[:1]).sha256


@pytest.mark.faults(62)
def test_a_changed_file_among_several_is_named():
    old, text = several(), lock_to_text(several())
    new = parse_lock(text.replace("b" * 64, "0" * 64))

    assert changed_origins(old, new) == (
        Change("mail", "tomli 2.4", "digest", f"sha256:{'b' * 64}", f"sha256:{'0' * 64}"),
        Change("toy", "debian-13, linux-x86_64", "digest", f"sha256:{'b' * 64}", f"sha256:{'0' * 64}"),
    )


def test_a_change_of_one_thing_is_a_small_diff():
    before = lock_to_text(example()).splitlines()
    updated = example().model_copy(update={"package": (package(version="8.2.4"), example().package[1])})
    after = lock_to_text(updated).splitlines()

    assert 1 == sum(one != other for one, other in zip(before, after, strict=True))


def test_no_host_stands_in_a_lock():
    assert "://" not in lock_to_text(example())


def refused(text):
    with pytest.raises(Problems) as raised:
        parse_lock(text)
    return raised.value


def test_conflict_markers_are_recognised():
    problems = refused("format = 1\n<<<<<<< HEAD\nx = 1\n=======\nx = 2\n>>>>>>> main\n")

    assert Exit.MANIFEST == problems.exit_code
    assert """\
error[lock/conflict]: the lock has a merge conflict
  --> devboot.lock:2:1
   |
 2 | <<<<<<< HEAD
   | ^^^^^^^ from here
   |
help: devboot lock   # merges both sides, and keeps a copy of the file

1 problem in devboot.lock; the lock isn't used, nothing was started, running processes unchanged
""" == render(problems)


@pytest.mark.parametrize(
    ("text", "slug", "what"),
    [
        ("format = \n", "lock/syntax", "expected a value"),
        (
            f"format = {FORMAT + 1}\nnew = 1\n",
            "lock/too-new",
            f"the lock has format {FORMAT + 1}, this devboot reads up to {FORMAT}",
        ),
        ("frmat = 1\n", "lock/unknown-key", "unknown key `frmat`"),
        (b"\xff\xfef\0", "lock/encoding", "file is UTF-16, expected UTF-8"),
        ("\ufeffformat = 1\n", "lock/encoding", "file starts with a byte order mark"),
        ("[[package]]\nname = 'redis'\n", "lock/missing-key", "`version` is missing in `[[package]]`"),
    ],
)
def test_what_is_damaged_is_a_lock_error_with_its_name(text, slug, what):
    (error,) = refused(text).errors

    assert (slug, what, LockError) == (error.slug, error.what, type(error))


@pytest.mark.faults(62)
@pytest.mark.parametrize("digest", ["", "a" * 63, "A" * 64, "g" * 64, "md5:" + "a" * 60])
def test_a_digest_that_is_none_is_refused_with_its_place(digest):
    text = lock_to_text(example()).replace("a" * 64 + '"\nsize', digest + '"\nsize', 1)
    (error,) = refused(text).errors

    assert ("lock/value", "`sha256` must be a sha256 digest") == (error.slug, error.what)
    assert f'sha256 = "{digest}"' == error.place.source


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("size = 22001848", "size = -1", "`size` must not be negative"),
        ("size = 22001848", "size = '1'", "`size` must be an integer, found a string"),
        (f'sha256 = "{"a" * 64}"', "sha256 = 1", "`sha256` must be a string, found an integer"),
        (f'"sha256:{"c" * 64}"', '"md5:c"', "`requirements.txt` must be a digest"),
        (f'"sha256:{"c" * 64}"', "1", "`requirements.txt` must be a string, found an integer"),
        ('source = "wheel"', 'source = "whl"', "`source` must be one of "),
    ],
)
def test_a_row_that_is_wrong_is_named(old, new, what):
    (error,) = refused(lock_to_text(example()).replace(old, new, 1)).errors

    assert error.what.startswith(what)


@pytest.mark.faults(62)
def test_a_digest_that_is_missing_is_refused():
    text = lock_to_text(example()).replace(f'sha256 = "{"a" * 64}"\n', "", 1)

    assert ["`sha256` is missing in `[package.linux-x86_64]`"] == [error.what for error in refused(text).errors]


@pytest.mark.faults(49, 62)
def test_pins_have_digests_all_or_none():
    hole = [PythonPackage(name="a", version="1", hashes=(f"sha256:{'a' * 64}",)), PythonPackage(name="b", version="1")]
    lock = Lock(python=PythonLock(package=tuple(hole)))
    (error,) = refused(lock_to_text(lock)).errors

    assert ("lock/unhashed", "`b` has no digest, but others have", 13) == (error.slug, error.what, error.place.line)
    assert parse_lock(lock_to_text(Lock(python=PythonLock(package=(hole[1],)))))


@pytest.mark.faults(62)
@pytest.mark.parametrize(
    ("changes", "what", "old", "new"),
    [
        ({"sha256": "f" * 64}, "digest", f"sha256:{'a' * 64}", f"sha256:{'f' * 64}"),
        ({"source": "conda"}, "source", "wheel", "conda"),
        ({"name": "redis-evil"}, "name", "redis-bin", "redis-evil"),
        ({"publisher": "Somebody"}, "publisher", "Example", "Somebody"),
    ],
)
def test_another_origin_is_a_named_change(changes, what, old, new):
    before = Lock(package=(package(),))
    after = Lock(package=(package(**{"linux-x86_64": row(**changes)}),))

    assert (Change("redis", "linux-x86_64", what, old, new),) == changed_origins(before, after)


def test_a_platform_that_is_new_is_no_such_change():
    before = Lock(package=(package(**{"linux-x86_64": None}),))

    assert () == changed_origins(before, Lock(package=(package(),)))


def test_a_lock_may_hold_packages_alone():
    text = lock_to_text(Lock(package=(package(unavailable={}),)))

    assert "[python]" not in text
    assert "unavailable" not in text


def test_a_new_version_of_the_same_origin_is_no_such_change():
    newer = row("f", version="1.5.0", file="redis_bin-1.5.0-py3-none-manylinux_2_17_x86_64.whl")
    after = Lock(package=(package(version="8.4.0", **{"linux-x86_64": newer}), package("valkey")))

    assert () == changed_origins(Lock(package=(package(),)), after)


def test_staleness_is_told_in_words():
    lock = Lock(package=(package(), package("valkey", "", insisted="wheel")))

    assert () == stale_packages(lock, [Wish("redis", "8"), Wish("valkey", "", "wheel"), Wish("redis", "8")])
    assert ("`redis 7` is not locked", "`redis 8` is locked, but not needed") == stale_packages(
        lock, [Wish("redis", "7"), Wish("valkey", "", "wheel")]
    )


def test_a_wish_finds_what_is_locked_for_it():
    lock = Lock(package=(package(), package(requested="7", version="7.4.1")))

    assert ["8.2.3", "7.4.1"] == [lock.find("redis", wanted).version for wanted in ("8", "7")]
    assert lock.find("redis") is None


def test_rows_become_plain_artifacts():
    found = package().row("macos-arm64").artifact()

    assert ("wheel", "11.0", "", 22001848) == (found.source, found.macos, found.glibc, found.size)
    assert package().row("linux-aarch64") is None
    assert ["linux-x86_64", "macos-arm64"] == list(package().rows())
