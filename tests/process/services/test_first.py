"""The first-time step of a service with a real child: whole, or not there."""

import os
import subprocess
import sys

import pytest

from devboot.errors import MachineError, WorkError
from devboot.services.data import prepare_data
from tests.process.services.conftest import RECIPE


def test_it_is_made_once_for_its_user_alone(toy):
    service = toy('echo "$1" >> "$1/WHOLE"')
    for _ in range(2):
        assert prepare_data(service) == ()

    with open(f"{service.data}/WHOLE") as stream:
        assert stream.read() == f"{service.data}.new\n"
    for folder in (service.data, service.exports["socket"]):
        assert os.stat(folder).st_mode & 0o777 == 0o700
    assert not os.path.exists(f"{service.data}.new")


def test_a_step_that_fails_leaves_nothing_that_looks_whole(toy):
    with pytest.raises(WorkError) as caught:
        prepare_data(toy('touch "$1/half"; echo no room >&2; exit 3'))

    assert (caught.value.slug, caught.value.causes) == ("service/init", ("no room",))
    service = toy('test ! -e "$1/half" && touch "$1/WHOLE"')
    assert not os.path.exists(service.data)
    assert prepare_data(service) == ()
    assert os.listdir(service.data) == ["WHOLE"]


def test_a_step_that_makes_nothing_has_failed(toy):
    with pytest.raises(WorkError) as caught:
        prepare_data(toy("exit 0"))

    assert caught.value.causes == ("exit code 0",)


def test_something_else_in_its_place_is_left(toy):
    service = toy('touch "$1/WHOLE"')
    os.makedirs(service.data)
    with open(f"{service.data}/mine", "w"):
        pass
    with pytest.raises(MachineError) as caught:
        prepare_data(service)

    assert caught.value.slug == "service/data-unreadable"
    assert os.listdir(service.data) == ["mine"]


@pytest.mark.parametrize("point", ["service/staged", "service/made"])
def test_a_kill_in_between_is_made_good_the_next_time(toy, point):
    service = toy('touch "$1/WHOLE"')
    code = f"import sys\nRECIPE = {RECIPE!r}\n{PREPARE}"
    words = [os.path.dirname(service.spec.argv[0]), os.path.dirname(service.exports["socket"])]
    data = service.data.partition("/services")[0]
    environ = {**os.environ, "DEVBOOT_TEST": "1", "DEVBOOT_FAIL_POINT": f"{point}=kill", "PYTHONPATH": os.getcwd()}
    killed = subprocess.run([sys.executable, "-c", code, data, *words], env=environ, check=False)

    assert killed.returncode == -9
    assert not os.path.exists(service.data)
    assert prepare_data(service) == ()
    assert os.path.exists(f"{service.data}/WHOLE")
    assert not os.path.exists(f"{service.data}.new")


PREPARE = """
from devboot.model.edge.recipe.recipe import parse_recipe
from devboot.services.data import prepare_data
from devboot.services.plan import plan_service
data, programs, runtime = sys.argv[1:]
recipe = parse_recipe(RECIPE, "recipe.toml")
prepare_data(plan_service(recipe, "toy", "3.1", {}, port=7, root="/x", data=data, runtime=runtime, programs=programs))
"""
