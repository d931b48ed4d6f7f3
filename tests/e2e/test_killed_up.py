"""`devboot up` killed at every checkpoint of provisioning: the same command again succeeds, and nothing is lost."""

from __future__ import annotations

import pytest

from tests.e2e.conftest import eventually, fetch
from tests.e2e.test_projects import is_up, rows
from tests.fakes.checkpoints import PROVISIONING, checkpoints
from tests.fakes.wheels import write_wheel

pytestmark = [pytest.mark.network, pytest.mark.own_ports]

# A first `up` doesn't pass these: there is nothing yet to repair, to move aside or to copy.
NOT_AT_FIRST = {
    "database/backed-up",
    "profile/exchanged",
    "store/exchanged",
    "venv/after-move-aside",
    "venv/before-move-aside",
}
# What an `up` passes after a package and a migration have been added.
AT_A_CHANGE = {
    "database/backed-up",
    "database/before-commit",
    "database/committed",
    "database/statement",
    "generation/written",
    "venv/before-complete",
    "venv/complete",
    "venv/marked-incomplete",
    "venv/packages-installed",
    "venv/removed",
    "write/after-rename",
    "write/before-rename",
    "write/created",
}
KILLED = -9


def is_sound(here):
    """Everything runs, what was written is there, and doctor has found nothing to complain about."""
    is_up(here, "redis", "web")
    assert "1.0" == fetch(here.url("web"))
    assert "no problems" in here.devboot("doctor").stdout


@pytest.mark.faults(29, 30, 33)
@pytest.mark.parametrize("point", [name for name in checkpoints() if name.startswith(PROVISIONING)])
def test_a_first_up_killed_anywhere_is_finished_by_the_next(point, request):
    needs_cold_store = point.startswith(("store/", "write/"))
    here = request.getfixturevalue("cold_counter" if needs_cold_store else "counter")

    killed = here.devboot("up", "-d", code=None, DEVBOOT_TEST="1", DEVBOOT_FAIL_POINT=f"{point}=kill")

    assert (point not in NOT_AT_FIRST) == (killed.returncode == KILLED), killed.stderr
    eventually(lambda: killed.returncode == 0 or not here.processes())
    here.devboot("up", "-d")
    is_sound(here)
    assert ["redis"] == [name.split("-")[1] for name in here.store()]
    assert [] == list(here.root.glob(".venv.*"))


@pytest.mark.timeout(300)
@pytest.mark.faults(29, 33, 100)
def test_an_up_killed_anywhere_while_it_changes_something_loses_no_data(counter):
    here = counter
    here.devboot("up", "-d")
    fetch(here.url("web", "/add?zero"))
    here.devboot("down")
    for number, point in enumerate(sorted(AT_A_CHANGE), start=2):
        write_wheel(str(here.root / "wheels"), "greeting", f"{number}.0")
        requirements = f"--no-index\n--find-links ./wheels\ngreeting=={number}.0\n"
        (here.root / "requirements.txt").write_text(requirements)
        (here.root / f"migrations/{number:04}.sql").write_text(
            f"create table made_{number} (a text);\ninsert into words values ('{number}');\n"
        )

        killed = here.devboot("up", "-d", code=None, DEVBOOT_TEST="1", DEVBOOT_FAIL_POINT=f"{point}=kill")
        assert KILLED == killed.returncode, point
        here.devboot("up", "-d", "-q")

        assert f"{number}.0" == fetch(here.url("web")), point
        words = ["zero", *(str(each) for each in range(2, number + 1))]
        assert " ".join(words) == fetch(here.url("web", "/words")), point
        here.devboot("down", "-q")
    assert "no problems" in here.devboot("doctor").stdout
    assert [("zero",)] == rows(here.root / "data/words.sqlite3", "select word from words limit 1")
