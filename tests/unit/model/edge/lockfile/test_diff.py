"""What differs between two locks, in words."""

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from devboot.model.edge.artifacts import ArtifactRow
from devboot.model.edge.lockfile.diff import Difference, differences
from devboot.model.edge.lockfile.lock import Lock, LockedPackage, PythonLock, PythonPackage

A, B = "a" * 64, "b" * 64


def row(**fields):
    known = {"source": "wheel", "name": "toy-bin", "version": "1.0", "file": "toy.whl", "sha256": A, "size": 1}
    return ArtifactRow(**{**known, "publisher": "Ann", **fields})


def package(version="1.0", *, name="toy", requested="", **platforms):
    rows = {key.replace("_", "-", 1): value for key, value in (platforms or {"linux_x86_64": row()}).items()}
    return LockedPackage(name=name, version=version, requested=requested, **rows)


def pin(name="idna", version="3.10", **fields):
    return PythonPackage(name=name, version=version, **{"hashes": (f"sha256:{A}",), **fields})


def python(*pins, **fields):
    return Lock(python=PythonLock(package=pins, **fields))


def of(*packages):
    return Lock(package=packages)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (of(), of(package()), Difference("+", "toy", "1.0")),
        (of(package()), of(), Difference("-", "toy", "1.0")),
        (of(package()), of(package("1.1")), Difference("~", "toy", "1.0 -> 1.1")),
        (of(package(requested="1")), of(package("2.0", requested="2")), Difference("~", "toy", "1.0 -> 2.0")),
        (
            of(package(requested="1")),
            of(package(requested="1.0")),
            Difference("~", "toy", "1.0", ("devboot.toml requires 1.0, before 1",)),
        ),
        (
            of(),
            of(package(unavailable={"macos-arm64": "none"})),
            Difference("+", "toy", "1.0", ("not on macos-arm64: none",)),
        ),
        (
            of(package(linux_x86_64=row(), macos_arm64=row())),
            of(package(linux_x86_64=row(glibc="2.28"), linux_aarch64=row(), unavailable={"macos-arm64": "none"})),
            Difference(
                "~",
                "toy",
                "1.0",
                (
                    "on linux-x86_64 requires glibc 2.28 (was unknown)",
                    "now available on linux-aarch64",
                    "isn't available on macos-arm64 any more: none",
                ),
            ),
        ),
    ],
)
def test_products_that_came_went_and_moved_are_told(old, new, said):
    assert differences(old, new) == (said,)


@pytest.mark.faults(62)
@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"sha256": B}, f"on linux-x86_64 other bytes under the same name: sha256:{A[:12]}… -> sha256:{B[:12]}…"),
        ({"name": "toy-evil"}, "on linux-x86_64 from wheel toy-evil instead of wheel toy-bin"),
        ({"source": "npm"}, "on linux-x86_64 from npm toy-bin instead of wheel toy-bin"),
        ({"publisher": "Eve"}, "on linux-x86_64 published by Eve instead of Ann"),
    ],
)
def test_another_origin_of_the_same_version_stands_out(fields, said):
    found = differences(of(package()), of(package(linux_x86_64=row(**fields))))

    assert found == (Difference("!", "toy", "1.0, from another origin", (said,)),)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (python(), python(pin()), Difference("+", "idna", "3.10")),
        (python(pin()), python(), Difference("-", "idna", "3.10")),
        (python(pin()), python(pin(version="3.11")), Difference("~", "idna", "3.10 -> 3.11")),
        (
            python(pin()),
            python(pin(marker="sys_platform == 'linux'")),
            Difference("~", "idna", "3.10", ("where sys_platform == 'linux'",)),
        ),
        (
            python(pin()),
            python(pin(hashes=(f"sha256:{A}", f"sha256:{B}"))),
            Difference("~", "idna", "3.10", ("more files of the same release",)),
        ),
        (
            python(pin()),
            python(pin(hashes=(f"sha256:{B}",))),
            Difference("!", "idna", "3.10, other files", ("1 of its digests is gone",)),
        ),
        (
            python(pin()),
            python(pin(kind="git", key="k", commit="c" * 40, hashes=())),
            Difference(
                "!",
                "idna",
                "3.10, other files",
                ("from git instead of from an index", "1 of its digests is gone"),
            ),
        ),
        (
            python(**{"requires-python": ">=3.11"}),
            python(**{"requires-python": ">=3.12"}),
            Difference("~", "python", "locked again, for other requirements", ("Python: >=3.11 -> >=3.12",)),
        ),
        (Lock(), python(pin()), Difference("+", "python", "1 package", ("idna 3.10",))),
        (python(pin()), Lock(), Difference("-", "python", "1 package")),
        (python(pin(), pin("flask")), Lock(), Difference("-", "python", "2 packages")),
        (
            python(pin(hashes=(f"sha256:{A}", f"sha256:{B}"))),
            python(pin(hashes=(f"sha256:{'c' * 64}",))),
            Difference("!", "idna", "3.10, other files", ("2 of its digests are gone",)),
        ),
    ],
)
def test_python_packages_are_told(old, new, said):
    assert differences(old, new) == (said,)


PACKAGES = st.lists(
    st.builds(
        package, st.sampled_from(["1.0", "1.1"]), name=st.sampled_from("abc"), requested=st.sampled_from(["", "1"])
    ),
    unique_by=lambda one: one.key,
    max_size=4,
)


@settings(derandomize=True, max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(PACKAGES, PACKAGES, st.randoms(use_true_random=False))
def test_the_order_does_not_matter_and_only_equal_locks_have_no_difference(old, new, random):
    shuffled = random.sample(new, len(new))

    assert differences(of(*old), of(*new)) == differences(of(*old), of(*shuffled))
    assert differences(of(*new), of(*shuffled)) == ()
    assert bool(differences(of(*old), of(*new))) == (
        sorted(old, key=lambda one: one.key) != sorted(new, key=lambda one: one.key)
    )
