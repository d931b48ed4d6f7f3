"""When libraries are fetched for builds, and when a failure is left as it is."""

import pytest

from devboot.uv.builds.library_builds import Attempts
from devboot.uv.child import Finished

HEADER = "toy.c:1:10: fatal error: {}: No such file or directory"


class Supply:
    """Remembers what it was asked for."""

    used = ()

    def __init__(self):
        self.asked = []

    def variables(self, libraries):
        self.asked.append([each.key for each in libraries])
        return {"HELD": str(len(self.asked))}


def failed(*lines):
    return Finished(1, "", ("error: Failed to build `toy==1.0`", *lines))


@pytest.fixture
def supply():
    return Supply()


def go_on(supply, *ends, requirement="toy==1.0"):
    """Run a command that ends like this, one end after the other."""
    first, *rest = ends
    return Attempts(supply).go_on(first, requirement, lambda _: rest.pop(0))


@pytest.mark.parametrize(
    "end",
    [
        Finished(0, "", ("pg_config: not found",)),
        Finished(
            1,
            "",
            (
                "  x No solution found",
                "  `-> Because pango was not found in the package registry",
            ),
        ),
        failed("error: unknown type name"),
        failed("error: can't find Rust compiler: rustc not found"),
    ],
    ids=["success", "resolution", "code", "never fetched"],
)
def test_nothing_is_fetched_for_what_no_library_mends(supply, end):
    assert go_on(supply, end) is end
    assert supply.asked == []


def test_a_build_is_tried_again_with_one_library_more_each_time(supply):
    done = Finished(0, "", ())

    assert go_on(supply, failed(HEADER.format("lber.h")), failed(HEADER.format("sql.h")), done) is done
    assert supply.asked == [["ldap"], ["ldap", "odbc"]]


def test_all_that_a_package_is_known_to_need_comes_at_once(supply):
    done = Finished(0, "", ())

    go_on(supply, failed(HEADER.format("zlib.h")), done, requirement="Pillow==9.5.0")

    assert supply.asked == [["jpeg", "zlib"]]


def test_a_library_that_is_of_no_help_is_not_tried_twice(supply):
    end = failed(HEADER.format("lber.h"))

    assert go_on(supply, failed(HEADER.format("lber.h")), end) is end
    assert supply.asked == [["ldap"]]
