"""A lock with the marks of a merge conflict."""

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from devboot.model.edge.artifacts import ArtifactRow
from devboot.model.edge.lockfile.lock import Lock, LockedPackage, PythonLock, PythonPackage, lock_to_text, parse_lock
from devboot.model.edge.lockfile.merge import Choice, merge_locks, merge_text, sides_of, version_order

HASH = "sha256:" + "a" * 64


def package(name, version):
    row = ArtifactRow(source="wheel", name=f"{name}-bin", version=version, file="x.whl", sha256="a" * 64, size=1)
    return LockedPackage(name=name, version=version, **{"linux-x86_64": row})


def pin(name, version, marker=""):
    return PythonPackage(name=name, version=version, marker=marker, hashes=(HASH,))


def lock(*packages, pins=()):
    python = PythonLock(package=pins, inputs={"requirements.txt": HASH}) if pins else None
    return Lock(package=tuple(packages), python=python)


def conflicted(ours, theirs, *, base=None):
    """The file as git leaves it when every line of it is disputed."""
    middle = f"||||||| base\n{lock_to_text(base)}" if base else ""
    return f"<<<<<<< HEAD\n{lock_to_text(ours)}{middle}=======\n{lock_to_text(theirs)}>>>>>>> feature\n"


def test_without_marks_there_is_no_conflict():
    assert sides_of(lock_to_text(lock(package("redis", "8.2")))) is None
    assert merge_text("anything\n=======\n") is None


def test_lines_outside_the_marks_belong_to_both_sides():
    text = "a\n<<<<<<< HEAD\nb\n||||||| base\nx\n=======\nc\n>>>>>>> feature\nd\n<<<<<<< HEAD\n=======\ne\n>>>>>>> f\n"

    assert sides_of(text) == ("a\nb\nd\n", "a\nc\nd\ne\n")


@pytest.mark.faults(40)
@pytest.mark.parametrize("base", [None, lock(package("redis", "8.0"))])
def test_what_one_side_has_is_kept_and_of_two_versions_the_newer_one_is_taken(base):
    ours = lock(package("redis", "8.10"), package("nats", "2.15"), pins=(pin("idna", "3.9"), pin("six", "1.16")))
    theirs = lock(package("redis", "8.2"), package("just", "1.59"), pins=(pin("idna", "3.10"), pin("attrs", "25.1")))

    merged = merge_text(conflicted(ours, theirs, base=base))

    assert {(one.name, one.version) for one in merged.lock.package} == {
        ("redis", "8.10"),
        ("nats", "2.15"),
        ("just", "1.59"),
    }
    assert {(row.name, row.version) for row in merged.lock.python.package} == {
        ("idna", "3.10"),
        ("six", "1.16"),
        ("attrs", "25.1"),
    }
    assert merged.choices == (Choice("idna", "3.9", "3.10", "3.10"), Choice("redis", "8.10", "8.2", "8.10"))
    assert merged.unread == ()


def test_a_side_that_is_no_lock_does_not_count_and_is_named():
    text = conflicted(lock(package("redis", "8.2")), lock(package("redis", "8.4"))).replace(
        ">>>>>>>", "[[package]]\nname = 7\n>>>>>>>"
    )
    merged = merge_text(text)

    assert [one.version for one in merged.lock.package] == ["8.2"]
    assert merged.unread == ("theirs",)


def test_nothing_readable_is_an_empty_lock():
    merged = merge_text("<<<<<<< a\nformat = x\n=======\n[\n>>>>>>> b\n")

    assert (merged.lock, merged.unread) == (Lock(), ("ours", "theirs"))


def test_a_package_that_differs_by_platform_is_taken_whole_from_one_side():
    ours = lock(pins=(pin("numpy", "2.0", "python_version < '3.12'"), pin("numpy", "2.3", "python_version >= '3.12'")))
    theirs = lock(pins=(pin("numpy", "2.2"),))
    merged, choices = merge_locks(ours, theirs)

    assert [row.version for row in merged.python.package] == ["2.2"]
    assert choices == (Choice("numpy", "2.0, 2.3", "2.2", "2.2"),)


@pytest.mark.parametrize(
    ("lower", "higher"),
    [
        ("8.2", "8.10"),
        ("1.0rc1", "1.0"),
        ("1.0", "1.0.1"),
        ("2.9", "10"),
        ("1.0", "1.0.post1"),
        ("1.0a2", "1.0b1"),
        ("1.0.dev3", "1.0a1"),
    ],
)
def test_versions_are_ordered_by_their_numbers(lower, higher):
    assert version_order(lower) < version_order(higher)


NAMES = st.sampled_from(["redis", "nats", "just", "node"])
LOCKS = st.dictionaries(NAMES, st.sampled_from(["1.2", "1.10", "2.0"])).map(
    lambda found: lock(*(package(name, version) for name, version in found.items()))
)


@settings(derandomize=True, max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(LOCKS, LOCKS)
def test_nothing_that_either_side_has_is_lost_and_the_order_of_the_sides_does_not_matter(ours, theirs):
    merged = merge_text(conflicted(ours, theirs)).lock
    again = merge_text(conflicted(theirs, ours)).lock

    assert {one.name for one in merged.package} == {one.name for lock in (ours, theirs) for one in lock.package}
    assert lock_to_text(merged) == lock_to_text(again)
    assert parse_lock(lock_to_text(merged)) == parse_lock(lock_to_text(again))
