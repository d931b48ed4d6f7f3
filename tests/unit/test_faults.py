"""Every fault of the list has a test, and every mark means one of the list."""

import functools
import re
import tomllib
from pathlib import Path

TESTS = Path(__file__).parent.parent
FAULTS = tomllib.loads((TESTS / "faults.toml").read_text())
_MARK = re.compile(r"\bfaults\(([\d,\s]+)\)")


@functools.cache
def covered():
    found = {}
    for path in TESTS.rglob("test_*.py"):
        for match in _MARK.finditer(path.read_text()):
            for number in map(int, match[1].replace(",", " ").split()):
                found.setdefault(number, path.name)
    return found


def test_every_fault_that_has_to_be_survived_names_its_test():
    missing = {
        number: row[1]
        for number, row in FAULTS.items()
        if row[0] in ("P0", "P1") and len(row) < 3 and int(number) not in covered()
    }
    assert {} == missing


def test_every_mark_means_a_fault_of_the_list():
    assert set() == set(covered()) - set(map(int, FAULTS))


def test_cases_that_wait_for_a_feature_say_which():
    assert {"60": "shell hook", "61": "shell hook"} == {number: row[2] for number, row in FAULTS.items() if row[2:]}
