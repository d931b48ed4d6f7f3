"""Which wheels pins have is asked once more where the newest Python finds none."""

from devboot.environment.locks.pins import Pin
from devboot.environment.python.interpreters import missing_wheels, suitability
from devboot.environment.python.older_wheels import with_older_wheels
from devboot.errors import WorkError
from devboot.uv.pythons import Installed

PURE = Pin("pure", "1.0", files=("pure-1.0-py3-none-any.whl",))
SOURCE = Pin("speedy", "1.0", files=("speedy-1.0.tar.gz",))
WHEELS = Pin("speedy", "1.0", files=("speedy-1.0-cp310-cp310-any.whl", "speedy-1.0.tar.gz"))
WHEELS_OF_312 = Pin("speedy", "1.0", files=("speedy-1.0-cp312-cp312-any.whl", "speedy-1.0.tar.gz"))


class Resolver:
    """Resolves for the minor versions that it is given."""

    def __init__(self, answers):
        self.answers = answers
        self.asked = []

    def __call__(self, minor):
        self.asked.append(minor)
        if minor not in self.answers:
            raise WorkError("python/resolution", "these versions need a newer Python")
        return self.answers[minor]


def missing(pins, minor):
    return missing_wheels(Installed("/p", f"{minor}.1", "cpython"), pins)


def test_where_each_pin_has_a_wheel_nothing_is_asked():
    resolver = Resolver({})
    assert with_older_wheels([PURE], ["3.12", "3.11"], resolver) == (PURE,)
    assert resolver.asked == []


def test_wheels_of_older_pythons_are_found_and_make_newer_ones_worse():
    resolver = Resolver({"3.10": [PURE, WHEELS]})
    found = with_older_wheels([PURE, SOURCE], ["3.12", "3.11", "3.10", "3.9"], resolver)
    assert resolver.asked == ["3.9", "3.10"]
    assert (missing(found, "3.13"), missing(found, "3.10")) == (("speedy",), ())


def test_wheels_of_another_version_say_nothing():
    resolver = Resolver({"3.11": [Pin("speedy", "0.9", files=("speedy-0.9-cp311-cp311-any.whl",))]})
    (found,) = with_older_wheels([SOURCE], ["3.11"], resolver)
    assert found.files == SOURCE.files


def test_a_package_that_never_had_a_wheel_counts_nowhere():
    resolver = Resolver({"3.11": [SOURCE]})
    found = with_older_wheels([SOURCE], ["3.11"], resolver)
    assert missing(found, "3.13") == ()


def test_a_backport_for_newer_pythons_is_not_missing_for_older_ones():
    backport = Pin("backport", "1.0", files=("backport-1.0-cp313-abi3-any.whl",))
    conditional = Pin("backport", "1.0", marker="python_full_version >= '3.13'", files=backport.files)
    resolver = Resolver({"3.12": [WHEELS_OF_312, conditional]})

    found = with_older_wheels([SOURCE, backport], ["3.12"], resolver)

    assert (missing(found, "3.13"), missing(found, "3.12")) == (("speedy",), ())
    assert suitability(Installed("", "3.12.1", "cpython"), found) == (0, 0)
