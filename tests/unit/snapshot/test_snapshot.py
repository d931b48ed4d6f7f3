"""A snapshot is fresh, or it is as if there was none."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys

import pytest
from hypothesis import given, strategies as st

from devboot import snapshot
from devboot.model.process import Plan, Probe, ProcessSpec, plan_to_plain
from devboot.snapshot import Snapshot

MADE = Snapshot("/p", ("shop",), (("=", "A", "b"),), (), ())


def written(tmp_path, value=MADE):
    path = str(tmp_path / "snapshot")
    snapshot.write(path, value)
    return path


def test_what_was_written_is_read_and_private(tmp_path):
    path = written(tmp_path)

    assert snapshot.read(path) == MADE
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600


def plan_of(count):
    """Return a plan of so many processes, each with its own command, port and place."""
    return Plan(
        *("shop", "/home/ann/shop", "/home/ann/.local/state/devboot/projects/shop-1234567890abcdef", ()),
        tuple(
            ProcessSpec(
                *(f"web.{number}", "process", "/home/ann/shop", f"exec serve --on 127.0.0.1:$PORT --number {number}"),
                env=(("PORT", str(5000 + number)), ("PS", f"web.{number}")),
                origin=f"Procfile:{number}",
                ready=Probe("listen", port=5000 + number),
                port=5000 + number,
                env_files=("/home/ann/shop", ".env"),
            )
            for number in range(count)
        ),
        siblings=tuple((f"WEB_{number}_PORT", str(5000 + number)) for number in range(count)),
    )


def test_a_process_takes_little_room(tmp_path):
    sizes = []
    for count in (100, 300):
        value = MADE._replace(plan_plain=plan_to_plain(plan_of(count)))
        sizes.append(os.stat(written(tmp_path, value)).st_size)
        assert snapshot.read(str(tmp_path / "snapshot")) == value

    assert (sizes[1] - sizes[0]) / 200 < 220  # bytes; 410 as long as each process had all of its values


@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_a_plan_is_read_as_it_was_and_left_out_where_nobody_needs_it(tmp_path, count):
    value = MADE._replace(plan_plain=plan_to_plain(plan_of(count)))
    path = written(tmp_path, value)

    assert snapshot.read(path) == value
    assert snapshot.read(path, has_plan=False) == value._replace(plan_plain=())


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(0, 2) | st.sampled_from([0.0, 1.0, 2.5, "", "a", "1"]),
    lambda inner: st.lists(inner, max_size=3).map(tuple),
    max_leaves=5,
)
ROWS = st.lists(st.tuples(VALUES, VALUES, VALUES), max_size=4).map(tuple)


@given(rows=ROWS)
def test_equal_values_of_different_types_keep_their_types(tmp_path_factory, rows):
    value = MADE._replace(plan_plain=("shop", "/p", "/s", (), rows, "0.1"))
    path = str(tmp_path_factory.getbasetemp() / "typed")
    snapshot.write(path, value)

    assert repr(snapshot.read(path)) == repr(value)


def edited_in_secret(path):
    """Write as many bytes, and set the time back."""
    found = path.stat()
    path.write_text("y")
    os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns))


def replaced_in_secret(path):
    """Move another file of the same size and time there."""
    found = path.stat()
    other = path.with_name("other")
    other.write_text("y")
    os.utime(other, ns=(found.st_atime_ns, found.st_mtime_ns))
    other.replace(path)


def test_no_file_is_no_snapshot(tmp_path):
    assert snapshot.read(str(tmp_path / "none")) is None


@pytest.mark.faults(31)
def test_every_truncation_and_every_flipped_byte_is_just_stale(tmp_path):
    with open(written(tmp_path), "rb") as file:
        data = file.read()

    for length in range(len(data)):
        assert snapshot.parse(data[:length]) is None
    for index in range(len(data)):
        damaged = data[:index] + bytes([data[index] ^ 0x41]) + data[index + 1 :]
        assert snapshot.parse(damaged) is None


@pytest.mark.faults(31)
@given(st.binary(max_size=300))
def test_garbage_is_no_snapshot(data):
    assert snapshot.parse(data) is None


def test_a_link_in_its_place_is_not_followed(tmp_path):
    os.symlink(written(tmp_path), tmp_path / "link")

    assert snapshot.read(str(tmp_path / "link")) is None


@pytest.mark.parametrize(
    ("change", "fresh"),
    [
        (lambda path: None, True),
        (lambda path: path.write_text("longer than before"), False),
        (lambda path: os.utime(path, ns=(1, 1)), False),
        (edited_in_secret, False),
        (replaced_in_secret, False),
        (lambda path: path.unlink(), False),
    ],
)
def test_a_changed_file_makes_it_stale(tmp_path, change, fresh):
    path = tmp_path / "devboot.toml"
    path.write_text("x")
    made = MADE._replace(stamps=snapshot.stamps([str(path)]))

    change(path)

    assert snapshot.is_fresh(made, "/p", {}) is fresh


def replaced_by_a_copy(path):
    other = path.with_name("other")
    other.write_bytes(path.read_bytes())
    other.chmod(path.stat().st_mode)
    other.replace(path)


@pytest.mark.parametrize(
    ("change", "fresh"),
    [
        (os.utime, True),
        (lambda path: path.write_text("x"), True),
        (replaced_by_a_copy, True),
        (lambda path: path.write_text("y"), False),
        (edited_in_secret, False),
        (lambda path: path.write_text(""), False),
        (lambda path: path.unlink(), False),
        (lambda path: path.chmod(0o755), False),
        (lambda path: (path.unlink(), path.mkdir()), False),
        (lambda path: (path.unlink(), os.mkfifo(path)), False),
        (lambda path: (path.unlink(), path.symlink_to("nowhere")), False),
    ],
)
def test_content_decides_where_it_is_known_and_not_the_time(tmp_path, change, fresh):
    path = tmp_path / "devboot.toml"
    path.write_text("x")
    digests = ((str(path), snapshot.content_digest(str(path))),)
    known = Snapshot("/p", (), (), snapshot.stamps([str(path)]), (), digests=digests)
    change(path)

    assert snapshot.is_fresh(known, "/p", {}) is fresh
    assert [stamp[0] for stamp in snapshot.changed(known)] == ([] if fresh else [str(path)])


@pytest.mark.parametrize(
    ("name", "form", "before", "after", "fresh"),
    [
        ("devboot.toml", "toml", "a = 1\n", "# why\na = 1  # so\n", True),
        ("devboot.toml", "toml", "a = 1\n", "# why\na = 2\n", False),
        ("devboot.toml", "toml", "a = 1\n", "a = 1 # \x07\n", False),
        ("Procfile", "procfile", "web: run\n", "\n# why\nweb: run\n", True),
        ("Procfile", "procfile", "web: run\n", "# web: run\n", False),
        (".env", "env", "A=1\n", "# A=2\nA=1\n", True),
        (".env", "env", "A='\n'\n", "A='\n# why\n'\n", False),
    ],
)
def test_an_edit_of_comments_changes_nothing(tmp_path, name, form, before, after, fresh):
    path = tmp_path / name
    path.write_text(before)
    code = ((str(path), form, *snapshot.code_of(str(path), form)),)
    known = Snapshot("/p", (), (), snapshot.stamps([str(path)]), (), code=code if code[0][2] else ())
    path.write_text(after)

    assert snapshot.is_fresh(known, "/p", {}) is fresh
    path.chmod(0o755)
    assert not snapshot.is_fresh(known, "/p", {})


@pytest.fixture
def said_by(tmp_path):
    """The output of a program that imports a copy of devboot, which is no checkout."""

    def run(copy, program):
        if not (folder := tmp_path / copy / "devboot").exists():
            shutil.copytree(os.path.dirname(snapshot.__file__), folder)
        program = f"from devboot import snapshot; {program}"
        return subprocess.check_output(
            [sys.executable, "-P", "-c", program], text=True, env={"PYTHONPATH": folder.parent}
        )

    return run


WRITES = "snapshot.write('{0}', snapshot.Snapshot('/p', ('shop',), (), (), ()))"
READS = "print(snapshot.read('{0}') and snapshot.read('{0}').plan_plain)"


def test_installations_of_one_version_read_each_others_snapshots(said_by, tmp_path):
    """As pip and uv install them: at other times, for another interpreter."""
    path = tmp_path / "snapshot"
    said_by("one", WRITES.format(path))
    assert said_by("other", READS.format(path)) == "('shop',)\n"
    for file in (tmp_path / "other").rglob("*.py"):
        os.utime(file, (1, 1))
    assert said_by("other", READS.format(path)) == "('shop',)\n"

    with (tmp_path / "other/devboot/snapshot.py").open("a") as file:
        file.write("# another form\n")
    assert said_by("other", READS.format(path)) == "None\n"


def test_a_checkout_reads_no_snapshot_of_an_earlier_commit(said_by, tmp_path):
    path, log = tmp_path / "snapshot", tmp_path / "checkout/.git/logs/HEAD"
    log.parent.mkdir(parents=True)
    log.write_text("clone\n")
    said_by("checkout", WRITES.format(path))
    assert said_by("checkout", READS.format(path)) == "('shop',)\n"

    log.write_text("clone\npull\n")
    assert said_by("checkout", READS.format(path)) == "None\n"


def test_a_file_that_appears_makes_it_stale_though_its_content_was_known_once(tmp_path):
    path = tmp_path / ".env"
    path.write_text("x")
    digests = ((str(path), snapshot.content_digest(str(path))),)
    path.unlink()
    known = Snapshot("/p", (), (), snapshot.stamps([str(path)]), (), digests=digests)
    path.write_text("x")

    assert not snapshot.is_fresh(known, "/p", {})


def test_large_files_and_what_is_no_file_have_no_digest(tmp_path):
    (tmp_path / "large").write_bytes(bytes(257 * 1024))
    os.mkfifo(tmp_path / "pipe")
    assert ["", "", "", ""] == [
        snapshot.content_digest(str(tmp_path / each)) for each in ("large", "pipe", "none", ".")
    ]


def test_a_file_that_appears_makes_it_stale(tmp_path):
    path = tmp_path / ".env.local"
    made = MADE._replace(stamps=snapshot.stamps([str(path)]))
    assert snapshot.is_fresh(made, "/p", {})

    path.touch()

    assert not snapshot.is_fresh(made, "/p", {})


@pytest.mark.parametrize("name", ["requirements-dev.txt", "requirements.txt", "requirements.d/"])
def test_names_that_match_a_pattern_make_it_stale_and_others_do_not(tmp_path, name):
    stamp = snapshot.matching(f"{tmp_path}/requirements*")
    for other in ("notes.txt", "my-requirements.txt", ".requirements.txt"):
        (tmp_path / other).touch()
    assert snapshot.is_current(stamp)

    (tmp_path / name).mkdir() if name[-1] == "/" else (tmp_path / name).touch()

    assert not snapshot.is_current(stamp)


def test_a_file_in_the_place_of_a_folder_makes_it_stale(tmp_path):
    (tmp_path / "a.py").mkdir()
    names, there = snapshot.matching(f"{tmp_path}/*.py"), snapshot.presence(f"{tmp_path}/a.py")

    (tmp_path / "a.py").rmdir()
    (tmp_path / "a.py").touch()

    assert (snapshot.is_current(names), snapshot.is_current(there)) == (False, False)


def test_presence_is_as_long_as_it_is_there(tmp_path):
    absent = snapshot.presence(f"{tmp_path}/a.py")
    (tmp_path / "a.py").touch()
    present = snapshot.presence(f"{tmp_path}/a.py")
    (tmp_path / "a.py").write_text("edited")

    assert (snapshot.is_current(absent), snapshot.is_current(present)) == (False, True)


def test_another_root_or_another_inherited_value_makes_it_stale():
    made = MADE._replace(inherited=(("HOST", None), ("MODE", "dev")))

    assert snapshot.is_fresh(made, "/p", {"MODE": "dev"})
    assert not snapshot.is_fresh(made, "/q", {"MODE": "dev"})
    assert not snapshot.is_fresh(made, "/p", {"MODE": "dev", "HOST": "x"})
    assert not snapshot.is_fresh(made, "/p", {})


def test_a_patch_sets_defaults_prepends_and_unsets():
    patch = (
        ("=", "A", "1"),
        ("?", "B", "2"),
        ("?", "C", "3"),
        ("+", "PATH", "/venv/bin"),
        ("+", "NEW_PATH", "/x"),
        ("-", "PYTHONHOME", ""),
    )

    assert snapshot.apply(patch, {"A": "0", "B": "own", "PATH": "/bin", "PYTHONHOME": "/y"}) == {
        "A": "1",
        "B": "own",
        "C": "3",
        "PATH": "/venv/bin:/bin",
        "NEW_PATH": "/x",
    }


@pytest.mark.parametrize("count", [0, 1])
def test_a_plan_without_any_process_is_known_for_running_nothing(count):
    known = MADE._replace(plan_plain=plan_to_plain(plan_of(count)))

    assert snapshot.runs_nothing(known) is (count == 0)
